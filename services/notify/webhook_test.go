package notify

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"spool.internal/events"
)

// verify checks a request as a receiver does, with the library of the standard.
func (r *rig) verify(c call) {
	r.Helper()
	text, err := os.ReadFile(r.cfg.WebhookSecretFile)
	if err != nil {
		r.Fatal(err)
	}
	for secret := range strings.FieldsSeq(string(text)) {
		wh, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			r.Fatal(err)
		}
		if err := wh.Verify(c.body, c.Header); err != nil {
			r.Errorf("the signature does not verify: %v", err)
		}
	}
}

func TestWebhook(t *testing.T) {
	r := newRig(t)
	url, calls := r.receiver(status(204))
	r.start()
	r.job("j1", "n", hook(url+"/hook?k=v"), 0)
	ok := r.ended("j1", events.OK, "")
	c := r.next(calls)
	r.verify(c)
	if c.Method != http.MethodPost || c.URL.String() != "/hook?k=v" || c.Header.Get("Authorization") != "Bearer h1dden" ||
		c.Header.Get("Content-Type") != "application/json" || c.Header.Get("Spool-Job-Id") != "j1" {
		t.Errorf("%s %s %v", c.Method, c.URL, c.Header)
	}
	if id := c.Header.Get("webhook-id"); id != "ended_"+ok.FlowJobID {
		t.Errorf("webhook-id %q", id)
	}
	want := fmt.Sprintf(`{"status":"OK","job_id":"%s","input_dir":"a/b/fs/D/in","output":"a/b/fs/D/out"}`, ok.FlowJobID)
	if string(c.body) != want {
		t.Errorf("body\n got %s\nwant %s", c.body, want)
	}
	bad := r.ended("j1", events.ERROR, "exit status 3: no luck")
	got := r.next(calls).payload(t)
	if diff := cmp.Diff(map[string]any{
		"status": "ERROR", "msg": "exit status 3: no luck", "job_id": bad.FlowJobID, "input_dir": "a/b/fs/D/in", "output": "a/b/fs/D/out",
	}, got); diff != "" {
		t.Error(diff)
	}
	r.settled("notify-webhook", events.StreamRunEvents)
	if sent := r.figure("webhook", "sent"); sent != 2 {
		t.Errorf("spool_notify_deliveries_total sent = %v", sent)
	}
}

// Two secrets sign everything twice, from the next delivery on.
func TestSecretsAreRotated(t *testing.T) {
	r := newRig(t)
	url, calls := r.receiver(status(200))
	r.start()
	r.job("j1", "n", hook(url), 0)
	r.ended("j1", events.OK, "")
	if c := r.next(calls); strings.Count(c.Header.Get("webhook-signature"), "v1,") != 1 {
		t.Errorf("one secret signs %q", c.Header.Get("webhook-signature"))
	}
	f, err := os.OpenFile(r.cfg.WebhookSecretFile, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "whsec_c29tZXRoaW5nIGVsc2UgZW50aXJlbHk=\n"); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	r.ended("j1", events.OK, "")
	c := r.next(calls)
	r.verify(c)
	if strings.Count(c.Header.Get("webhook-signature"), "v1,") != 2 {
		t.Errorf("two secrets sign %q", c.Header.Get("webhook-signature"))
	}
	if err := os.WriteFile(r.cfg.WebhookSecretFile, []byte("whsec_tooshort\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(r.cfg); err == nil || !strings.Contains(err.Error(), "webhook-secret-file: line 1") || strings.Contains(err.Error(), "tooshort") {
		t.Errorf("a bad secret: %v", err)
	}
}

func TestFailuresThenSuccess(t *testing.T) {
	r := newRig(t)
	url, calls := r.receiver(status(500, 503, 404, 302, 200))
	r.start()
	r.job("j1", "n", hook(url), 0)
	r.ended("j1", events.OK, "")
	first := r.next(calls)
	for range 4 {
		c := r.next(calls)
		r.verify(c)
		if c.Header.Get("webhook-id") != first.Header.Get("webhook-id") || string(c.body) != string(first.body) {
			t.Errorf("told again as %v %s", c.Header, c.body)
		}
	}
	r.settled("notify-webhook", events.StreamRunEvents)
	if len(calls) > 0 {
		t.Errorf("%d requests after the success", len(calls))
	}
}

func TestGivenUp(t *testing.T) {
	r := newRig(t)
	url, calls := r.receiver(status(500))
	r.start()
	r.job("j1", "n", hook(url+"/s3cret-path"), 0)
	ev := r.ended("j1", events.ERROR, "why it failed")
	if m := r.undelivered("webhook", ev); !strings.Contains(m, "status 500") || strings.Contains(m, "s3cret") {
		t.Errorf("recorded %q", m)
	}
	r.settled("notify-webhook", events.StreamRunEvents)
	if len(calls) != 8 {
		t.Errorf("%d attempts, want the first and seven more", len(calls))
	}
	if n := r.figure("webhook", "given_up"); n != 1 {
		t.Errorf("spool_notify_deliveries_total given_up = %v", n)
	}
}

// What waits for its retry is in the broker, and its settings are those of the job now.
func TestEditedDeletedRestarted(t *testing.T) {
	r := newRig(t)
	r.cfg.retries = retries{100 * 1e6, 100 * 1e6, 100 * 1e6}
	down, downCalls := r.receiver(status(500))
	up, upCalls := r.receiver(status(200))
	stop := r.start()
	seq := r.job("edited", "n", hook(down), 0)
	gone := r.job("deleted", "n", hook(down), 0)
	first := r.ended("edited", events.OK, "")
	r.ended("deleted", events.OK, "")
	r.next(downCalls)
	r.next(downCalls)
	stop()
	r.job("edited", "n", hook(up), seq)
	if _, err := r.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: "deleted"}}, gone); err != nil {
		t.Fatal(err)
	}
	for len(downCalls) > 0 {
		<-downCalls
	}
	r.srv.Restart(t)
	r.eventually("the connection is back", func() bool { return r.bus.Check() == nil })
	r.cfg.Metrics = nil // another process has its own
	r.start()
	if c := r.next(upCalls); c.Header.Get("webhook-id") != "ended_"+first.FlowJobID {
		t.Errorf("told as %s", c.Header.Get("webhook-id"))
	}
	r.settled("notify-webhook", events.StreamRunEvents)
	if len(downCalls) > 0 {
		t.Error("a deleted job, or a URL of the past, was told")
	}
}

// The run of another endpoint, a run without a job, a job without a webhook.
func TestNotTold(t *testing.T) {
	r := newRig(t)
	var log bytes.Buffer // slog writes one line at a time
	r.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	url, calls := r.receiver(status(200))
	r.job("j1", "n", hook(url), 0)
	r.ended("j1", events.OK, "") // before the first Subscribe
	stop := r.start()
	foreign := events.RunEvent{Phase: events.Ended, FlowJobID: "f1", JobID: "j1", Status: events.OK}
	if err := r.bus.PutRunEvent(t.Context(), foreign, 0); err != nil {
		t.Fatal(err)
	}
	r.job("silent", "n", `{"webhook_config":{"headers":{}},"notification_emails":"ann@post.test"}`, 0)
	r.ended("silent", events.OK, "")
	r.ended("silent", events.OK, "")
	r.ended("", events.OK, "")
	last := r.ended("j1", events.OK, "")
	if c := r.next(calls); c.Header.Get("webhook-id") != "ended_"+last.FlowJobID {
		t.Errorf("told of %s", c.Header.Get("webhook-id"))
	}
	r.settled("notify-webhook", events.StreamRunEvents)
	stop()
	if len(calls) > 0 {
		t.Error("told of more")
	}
	if n := strings.Count(log.String(), "there is no server for it"); n != 1 {
		t.Errorf("said %d times that there is no server for e-mail", n)
	}
}

// A's receiver hangs while A has more notices than this process takes in hand.
func TestOneReceiverDelaysNoOther(t *testing.T) {
	r := newRig(t)
	release := make(chan struct{})
	r.cfg.hold = 32
	hanging, _ := r.receiver(func(_ http.ResponseWriter, q *http.Request) {
		select {
		case <-release:
		case <-q.Context().Done():
		}
	})
	good, calls := r.receiver(status(200))
	r.job("a", "n", hook(hanging), 0)
	r.job("b", "n", hook(good), 0)
	stop := r.start()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 5 {
				r.endedAs(fmt.Sprint(w, n), "a", events.OK, "")
			}
		})
	}
	wg.Wait()
	for range 5 {
		r.ended("b", events.OK, "")
		r.next(calls)
	}
	close(release)
	stop()
}

// A receiver that is down takes every place for notices that wait: what fails is
// given up then, and the notices behind are told.
func TestNoPlaceToWait(t *testing.T) {
	r := newRig(t)
	down, _ := r.receiver(status(500))
	good, calls := r.receiver(status(200))
	r.job("a", "n", hook(down), 0)
	r.job("b", "n", hook(good), 0)
	r.cfg.places = 20
	r.start()
	for range 30 {
		r.ended("a", events.OK, "")
	}
	last := r.ended("b", events.OK, "")
	if c := r.next(calls); c.Header.Get("webhook-id") != "ended_"+last.FlowJobID {
		t.Errorf("told of %s", c.Header.Get("webhook-id"))
	}
	r.settled("notify-webhook", events.StreamRunEvents)
	if n := r.figure("webhook", "given_up"); n != 30 {
		t.Errorf("%v were given up, want 30", n)
	}
}

func TestHostileReceivers(t *testing.T) {
	r := newRig(t)
	r.cfg.retries = retries{}
	r.start()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string // empty = received
	}{
		"a body without end": {func(w http.ResponseWriter, q *http.Request) {
			for q.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, ""},
		"a head of a megabyte": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}, "exceeded"},
		"a reset": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "inner secrets") //nolint:errcheck // a test's answer
		}, "status 403"},
	} {
		url, calls := r.receiver(c.answer)
		job := events.Hash(name)
		r.job(job, "n", hook(url), 0)
		ev := r.ended(job, events.OK, "")
		r.next(calls)
		if c.says == "" {
			continue
		}
		if m := r.undelivered("webhook", ev); !strings.Contains(m, c.says) || strings.Contains(m, "inner") {
			t.Errorf("%s: %q", name, m)
		}
	}
	r.settled("notify-webhook", events.StreamRunEvents)
	if n := r.figure("webhook", "sent"); n != 1 {
		t.Errorf("%v were received, want the one without end", n)
	}
}
