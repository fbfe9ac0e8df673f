package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"spool.internal/events"
)

func readCloudEvent(r *http.Request) (*cloudevents.Event, error) {
	return cloudevents.NewEventFromHTTPRequest(r)
}

// published is what subscribers have read, by the channel that each event belongs to.
type published struct {
	mu    sync.Mutex
	seen  map[string]int
	types map[string]bool
}

// TestEventsAreAsDescribed reads all that a server publishes through subscribers, and
// holds each subject, header and body to deploy/asyncapi.yaml.
func TestEventsAreAsDescribed(t *testing.T) {
	t.Parallel()
	a := readAsyncAPI(t)
	p := newHarness(t)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/well" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer hook.Close()
	p.serve("--durability", "interval")
	s := &published{seen: map[string]int{}, types: map[string]bool{}}
	for _, stream := range []string{"JOBS", "RESULTS", "RUN_EVENTS"} {
		p.subscribes(a, s, stream)
	}
	p.everyKindOfEvent(hook.URL)
	p.askedAsDescribed(a)
	deadLetters(t, a, s)
	want := []string{
		"spool.job.created", "spool.job.updated", "spool.job.disabled", "spool.job.enabled", "spool.job.deleted", "spool.result", "spool.dead",
		"spool.run.accepted", "spool.run.started", "spool.run.retrying", "spool.run.cancelling", "spool.run.ended", "spool.run.undelivered", "spool.run.told",
	}
	p.eventually("each type of event was read", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return t.Failed() || !slices.ContainsFunc(want, func(typ string) bool { return !s.types[typ] })
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range a.Channels {
		if c.Stream.Name != "" && s.seen[name] == 0 {
			t.Errorf("nothing was read of the channel %s", name)
		}
	}
}

// deadLetters has a server with an endpoint that is closed give up a call.
func deadLetters(t *testing.T, a *asyncAPI, s *published) {
	t.Helper()
	p := newHarness(t)
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "closed", http.StatusServiceUnavailable) }))
	t.Cleanup(closed.Close)
	p.serve("--durability", "interval", "--run-binary-url", closed.URL+events.RunBinaryPath)
	p.subscribes(a, s, "DEADLETTERS")
	job := p.job("dead", "@yearly", "flow.ibflowbin", "in", map[string]any{"retry_for": "1s"})
	p.native("POST", "/api/v2/jobs/"+job+"/trigger", "", http.StatusAccepted)
}

// subscribes makes a subscriber of a stream and judges what it reads.
func (p *harness) subscribes(a *asyncAPI, s *published, stream string) {
	p.Helper()
	creds := filepath.Join(p.TempDir(), stream+".creds")
	if out, code := spool(p, "subscriber", "create", stream, "--stream", stream, "-o", creds, "--url", "http://"+p.api, "--data", p.data, "--nats-url", "nats://"+p.nats); code != 0 {
		p.Fatalf("create: status %d, %s", code, out)
	}
	nc, err := nats.Connect("nats://"+p.nats, nats.UserCredentials(creds))
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		p.Fatal(err)
	}
	consumer, err := js.Consumer(p.Context(), stream, "subscriber-"+stream)
	if err != nil {
		p.Fatal(err)
	}
	reading, err := consumer.Consume(func(m jetstream.Msg) {
		p.judge(a, s, m)
		_ = m.Ack() // not acked, it comes again
	})
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(reading.Stop)
}

// judge holds one event to the description.
func (p *harness) judge(a *asyncAPI, s *published, m jetstream.Msg) {
	name := a.channel(m.Subject())
	if name == "" {
		p.Errorf("no channel has the subject %s", m.Subject())
		return
	}
	headers := map[string]any{}
	for key, values := range m.Headers() {
		headers[key] = values[0]
	}
	var body any
	if err := json.Unmarshal(m.Data(), &body); err != nil {
		p.Errorf("%s: %v", m.Subject(), err)
	}
	message := a.message(a.Channels[name])
	if err := a.fits(message.Headers, headers); err != nil {
		p.Errorf("headers of %s: %v", m.Subject(), err)
	}
	if err := a.fits(message.Payload, json.RawMessage(m.Data())); err != nil {
		p.Errorf("body of %s: %v\n%s", m.Subject(), err, m.Data())
	}
	isCloudEvent(p, m.Subject(), headers, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[name]++
	s.types[fmt.Sprint(headers["ce-type"])] = true
}

// everyKindOfEvent does what leads to one of each.
func (p *harness) everyKindOfEvent(hook string) {
	p.Helper()
	p.flow("slow", "#!/bin/sh\nsleep 600\n")
	p.flow("fails", "#!/bin/sh\necho no luck >&2\nexit 3\n")
	trigger := func(job string) { p.native("POST", "/api/v2/jobs/"+job+"/trigger", "", http.StatusAccepted) }
	told := p.job("told", "@yearly", "flow.ibflowbin", "tick/in", nil)
	p.native("PATCH", "/api/v2/jobs/"+told, fmt.Sprintf(`{"flow_parameters":{"settings":{"webhook_config":{"url":%q}}}}`, hook), http.StatusOK)
	p.native("POST", "/api/v2/jobs/"+told+"/disable", "", http.StatusOK)
	p.native("POST", "/api/v2/jobs/"+told+"/enable", "", http.StatusOK)
	trigger(told)
	well := p.job("well", "@yearly", "flow.ibflowbin", "tick/in", nil)
	p.native("PATCH", "/api/v2/jobs/"+well, fmt.Sprintf(`{"flow_parameters":{"settings":{"webhook_config":{"url":%q}}}}`, hook+"/well"), http.StatusOK)
	trigger(well)
	p.job("files", "", "flow.ibflowbin", "in", nil)
	if err := os.WriteFile(filepath.Join(p.dir, "in", "seen.txt"), []byte("text"), 0o644); err != nil {
		p.Fatal(err)
	}
	trigger(p.job("fails", "@yearly", "fails", "tick/in", map[string]any{"run": map[string]any{"retries": map[string]any{"times": 1, "backoff": "1s"}}}))
	slow := p.job("slow", "@yearly", "slow", "tick/in", nil)
	trigger(slow)
	p.cancelOne("http://"+p.api, slow)
	p.native("DELETE", "/api/v2/jobs/"+p.job("deleted", "@yearly", "flow.ibflowbin", "tick/in", nil), "", http.StatusNoContent)
}

// askedAsDescribed asks for a run over NATS, and for one of a job that there is not.
func (p *harness) askedAsDescribed(a *asyncAPI) {
	p.Helper()
	creds := filepath.Join(p.TempDir(), "asks.creds")
	if out, code := spool(p, "subscriber", "create", "asks", "--may-trigger", "-o", creds, "--url", "http://"+p.api, "--data", p.data, "--nats-url", "nats://"+p.nats); code != 0 {
		p.Fatalf("create: status %d, %s", code, out)
	}
	nc, err := nats.Connect("nats://"+p.nats, nats.UserCredentials(creds))
	if err != nil {
		p.Fatal(err)
	}
	defer nc.Close()
	for request, answer := range map[string]string{`{"job":"told","idempotency_key":"one"}`: "triggered", `{"job":"no such job"}`: "refused"} {
		described := a.Components.Messages[answer]
		if err := a.fits(a.Components.Messages["trigger"].Payload, json.RawMessage(request)); err != nil {
			p.Errorf("%s: %v", request, err)
		}
		m, err := nc.Request(*a.Channels["trigger"].Address, []byte(request), time.Minute)
		if err != nil {
			p.Fatal(err)
		}
		if err := a.fits(described.Payload, json.RawMessage(m.Data)); err != nil {
			p.Errorf("the answer to %s: %v\n%s", request, err, m.Data)
		}
		if described.Headers.To == "" {
			continue
		}
		headers := map[string]any{}
		for name := range m.Header {
			headers[name] = m.Header.Get(name)
		}
		if err := a.fits(described.Headers, headers); err != nil {
			p.Errorf("the headers of the answer to %s: %v", request, err)
		}
	}
}
