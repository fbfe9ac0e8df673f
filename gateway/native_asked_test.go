package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

// asker asks as the account of a subscriber has it.
type asker struct {
	t  *testing.T
	nc *nats.Conn
}

func (a asker) ask(name, request string) (code string, text string, triggerID string) {
	a.t.Helper()
	m, err := a.nc.Request(jet.AskedBy(name), []byte(request), 30*time.Second)
	if err != nil {
		a.t.Fatalf("%s asks %s: %v", name, request, err)
	}
	var said struct {
		TriggerID string `json:"trigger_id"`
	}
	_ = json.Unmarshal(m.Data, &said)
	return m.Header.Get("Nats-Service-Error-Code"), string(m.Data), said.TriggerID
}

// TestSubscribersTrigger: a request over NATS is answered as POST …/trigger is.
func TestSubscribersTrigger(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Burst = 60; c.Rate = 0.01 }))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.config.Subscribers = s.bus
	s.start()
	s.answering()
	ann := s.newToken(`{"owner":"ann","role":"operator","paths":["a/"]}`).Token
	mine, _ := s.made(s.admin, body{name: `"nightly"`}.String())
	hers, _ := s.made(ann, body{name: `"hers"`}.String())
	for range 2 {
		s.made(ann, body{name: `"twice"`}.String())
	}
	for _, text := range []string{
		`{"name":"all","stream":"RUN_EVENTS","may_trigger":true}`,
		`{"name":"other","stream":"RUN_EVENTS","may_trigger":true}`,
		`{"name":"one","stream":"RUN_EVENTS","may_trigger":true,"job_id":"` + mine.ID + `"}`,
		`{"name":"mute","stream":"RUN_EVENTS"}`,
		`{"name":"over","stream":"RUN_EVENTS","may_trigger":true}`,
	} {
		into[nativeSubscriber](t, s.native(http.MethodPost, "subscribers", s.admin, text), http.StatusCreated)
	}
	if d := s.native(http.MethodDelete, "subscribers/over", s.admin, ""); d.code != http.StatusNoContent {
		t.Fatalf("revoke: %d %s", d.code, d.body)
	}
	wantFault(t, s.native(http.MethodPost, "subscribers", s.admin, `{"name":"x","stream":"RESULTS","may_trigger":"yes"}`), http.StatusBadRequest, "must be true or false")

	nc, err := nats.Connect("", nats.InProcessServer(s.broker))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	a := asker{t, nc}
	queued := map[string]bool{}
	for _, c := range []struct{ name, request string }{
		{"all", `{"job":"nightly"}`},
		{"all", `{"job":"` + mine.ID + `"}`},
		{"all", `{"job_id":"` + strings.ToUpper(mine.ID) + `"}`},
		{"all", `{"job":"hers"}`},
		{"one", `{"job":"nightly"}`},
	} {
		code, text, id := a.ask(c.name, c.request)
		if code != "" || id == "" || queued[id] {
			t.Errorf("%s asks %s: %s %s", c.name, c.request, code, text)
		}
		queued[id] = true
	}
	_, _, first := a.ask("all", `{"job":"nightly","idempotency_key":"k"}`)
	_, _, again := a.ask("all", `{"job":"nightly","idempotency_key":"k"}`)
	_, _, others := a.ask("other", `{"job":"nightly","idempotency_key":"k"}`)
	if first == "" || first != again || first == others {
		t.Errorf("one key gave %s and %s, and another subscriber's %s", first, again, others)
	}
	for _, c := range []struct{ name, request, code, say string }{
		{"mute", `{"job":"nightly"}`, "403", "--may-trigger"},
		{"over", `{"job":"nightly"}`, "403", "--may-trigger"},
		{"nobody", `{"job":"nightly"}`, "403", "--may-trigger"},
		{"one", `{"job":"hers"}`, "403", "and no other"},
		{"one", `{"job_id":"` + hers.ID + `"}`, "403", "and no other"},
		{"all", `{"job":"none"}`, "404", "no job is called"},
		{"all", `{"job_id":"` + strings.Repeat("0", 8) + `-0000-4000-8000-000000000000"}`, "404", "no such job"},
		{"all", `{"job":"twice"}`, "400", "more than one job"},
		{"all", `{}`, "400", "job: is required"},
		{"all", `{"job":"a","job_id":"b"}`, "400", "one of them"},
		{"all", `{"jobs":"a"}`, "400", "jobs"},
		{"all", `{"job":7}`, "400", "must be a string"},
		{"all", `nightly`, "400", ""},
		{"all", `{"job":"nightly","idempotency_key":"` + strings.Repeat("k", 256) + `"}`, "400", "idempotency_key: is longer"},
		{"all", `{"job":"` + strings.Repeat("n", 9<<10) + `"}`, "413", "8 KiB"},
	} {
		code, text, _ := a.ask(c.name, c.request)
		if code != c.code || !strings.Contains(text, c.say) || !strings.Contains(text, `"type":"about:blank"`) || !strings.Contains(text, `"status":`+c.code) {
			t.Errorf("%s asks %.60s: %s %s, want %s %s", c.name, c.request, code, text, c.code, c.say)
		}
	}
	var limited bool
	for range 70 {
		code, text, _ := a.ask("one", `{}`)
		limited = limited || code == "429" && strings.Contains(text, "too many requests")
	}
	if !limited {
		t.Error("nobody is held to a rate")
	}
	var by []string
	if err := s.bus.Triggers(events.KindManual, "").Since(t.Context(), time.Time{}, func(m jet.Entry[events.Trigger]) bool {
		var trigger events.Trigger
		_ = json.Unmarshal(m.Data, &trigger)
		by = append(by, trigger.By)
		return true
	}); err != nil || len(by) != len(queued)+2 || by[0] != "admin" {
		t.Errorf("queued are those of %v, %v", by, err)
	}
}
