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
	"spool.internal/events/eventstest"
)

// verify checks a request as a receiver does, with the library of the standard.
func (h *harness) verify(c call) {
	h.Helper()
	text, err := os.ReadFile(h.cfg.WebhookSecretFile)
	if err != nil {
		h.Fatal(err)
	}
	for secret := range strings.FieldsSeq(string(text)) {
		wh, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			h.Fatal(err)
		}
		if err := wh.Verify(c.body, c.Header); err != nil {
			h.Errorf("the signature does not verify: %v", err)
		}
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(204))
	h.start()
	h.job("j1", "n", hook(url+"/hook?k=v"), 0)
	ok := h.ended("j1", events.OK, "")
	c := h.next(calls)
	h.verify(c)
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
	bad := h.ended("j1", events.ERROR, "exit status 3: no luck")
	got := h.next(calls).payload(t)
	if diff := cmp.Diff(map[string]any{
		"status": "ERROR", "msg": "exit status 3: no luck", "job_id": bad.FlowJobID, "input_dir": "a/b/fs/D/in", "output": "a/b/fs/D/out",
	}, got); diff != "" {
		t.Error(diff)
	}
	h.settled("notify-webhook")
	if sent := h.figure("webhook", "sent"); sent != 2 {
		t.Errorf("spool_notify_deliveries_total sent = %v", sent)
	}
}

// Two secrets sign everything twice, from the next delivery on.
func TestSecretsAreRotated(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.start()
	h.job("j1", "n", hook(url), 0)
	h.ended("j1", events.OK, "")
	if c := h.next(calls); strings.Count(c.Header.Get("webhook-signature"), "v1,") != 1 {
		t.Errorf("one secret signs %q", c.Header.Get("webhook-signature"))
	}
	f, err := os.OpenFile(h.cfg.WebhookSecretFile, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "whsec_c29tZXRoaW5nIGVsc2UgZW50aXJlbHk=\n"); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	h.ended("j1", events.OK, "")
	c := h.next(calls)
	h.verify(c)
	if strings.Count(c.Header.Get("webhook-signature"), "v1,") != 2 {
		t.Errorf("two secrets sign %q", c.Header.Get("webhook-signature"))
	}
	if err := os.WriteFile(h.cfg.WebhookSecretFile, []byte("whsec_tooshort\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(h.cfg); err == nil || !strings.Contains(err.Error(), "webhook-secret-file: line 1") || strings.Contains(err.Error(), "tooshort") {
		t.Errorf("a bad secret: %v", err)
	}
}

func TestFailuresThenSuccess(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(500, 503, 404, 302, 200))
	h.start()
	h.job("j1", "n", hook(url), 0)
	h.ended("j1", events.OK, "")
	first := h.next(calls)
	for range 4 {
		c := h.next(calls)
		h.verify(c)
		if c.Header.Get("webhook-id") != first.Header.Get("webhook-id") || string(c.body) != string(first.body) {
			t.Errorf("delivered again as %v %s", c.Header, c.body)
		}
	}
	h.settled("notify-webhook")
	if len(calls) > 0 {
		t.Errorf("%d requests after the success", len(calls))
	}
}

func TestGivenUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(500))
	h.start()
	h.job("j1", "n", hook(url+"/s3cret-path"), 0)
	ev := h.ended("j1", events.ERROR, "why it failed")
	if m := h.undelivered("webhook", ev); !strings.Contains(m, "status 500") || strings.Contains(m, "s3cret") {
		t.Errorf("recorded %q", m)
	}
	h.settled("notify-webhook")
	if len(calls) != 8 {
		t.Errorf("%d attempts, want the first and seven more", len(calls))
	}
	if n := h.figure("webhook", "given_up"); n != 1 {
		t.Errorf("spool_notify_deliveries_total given_up = %v", n)
	}
}

// What waits for its retry is in the broker, and its settings are those of the job now.
func TestEditedDeletedRestarted(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{100 * 1e6, 100 * 1e6, 100 * 1e6}
	down, downCalls := h.receiver(status(500))
	up, upCalls := h.receiver(status(200))
	stop := h.start()
	seq := h.job("edited", "n", hook(down), 0)
	gone := h.job("deleted", "n", hook(down), 0)
	first := h.ended("edited", events.OK, "")
	h.ended("deleted", events.OK, "")
	h.next(downCalls)
	h.next(downCalls)
	stop()
	h.job("edited", "n", hook(up), seq)
	if _, err := h.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: "deleted"}}, gone); err != nil {
		t.Fatal(err)
	}
	for len(downCalls) > 0 {
		<-downCalls
	}
	h.srv.Restart(t)
	eventstest.Eventually(h, "the connection is back", func() bool { return h.bus.Check() == nil })
	h.cfg.Metrics = nil // another process has its own
	h.start()
	if c := h.next(upCalls); c.Header.Get("webhook-id") != "ended_"+first.FlowJobID {
		t.Errorf("delivered as %s", c.Header.Get("webhook-id"))
	}
	h.settled("notify-webhook")
	if len(downCalls) > 0 {
		t.Error("a deleted job, or a former URL, was notified")
	}
}

// The run of another endpoint, a run without a job, a job without a webhook.
func TestNoNotification(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var log bytes.Buffer // slog writes one line at a time
	h.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	url, calls := h.receiver(status(200))
	h.job("j1", "n", hook(url), 0)
	h.ended("j1", events.OK, "") // before the first Subscribe
	stop := h.start()
	foreign := events.RunEvent{Phase: events.Ended, FlowJobID: "f1", JobID: "j1", Status: events.OK}
	if err := h.bus.PutRunEvent(t.Context(), foreign, 0); err != nil {
		t.Fatal(err)
	}
	h.job("silent", "n", `{"webhook_config":{"headers":{}},"notification_emails":"ann@post.test"}`, 0)
	h.ended("silent", events.OK, "")
	h.ended("silent", events.OK, "")
	h.ended("", events.OK, "")
	last := h.ended("j1", events.OK, "")
	if c := h.next(calls); c.Header.Get("webhook-id") != "ended_"+last.FlowJobID {
		t.Errorf("notified of %s", c.Header.Get("webhook-id"))
	}
	h.settled("notify-webhook")
	stop()
	if len(calls) > 0 {
		t.Error("more notifications")
	}
	if n := strings.Count(log.String(), "there is no server for it"); n != 1 {
		t.Errorf("logged %d times that there is no server for e-mail", n)
	}
}

// A's receiver hangs while A has more notifications than this process takes at once.
func TestOneReceiverDelaysNoOther(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	release := make(chan struct{})
	h.cfg.hold = 32
	hanging, _ := h.receiver(func(_ http.ResponseWriter, q *http.Request) {
		select {
		case <-release:
		case <-q.Context().Done():
		}
	})
	good, calls := h.receiver(status(200))
	h.job("a", "n", hook(hanging), 0)
	h.job("b", "n", hook(good), 0)
	stop := h.start()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 5 {
				h.endedAs(fmt.Sprint(w, n), "a", events.OK, "")
			}
		})
	}
	wg.Wait()
	for range 5 {
		h.ended("b", events.OK, "")
		h.next(calls)
	}
	close(release)
	stop()
}

// A receiver that is down fills the queue with notifications that wait: then what fails is given up, and the ones
// behind it are delivered.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	down, _ := h.receiver(status(500))
	good, calls := h.receiver(status(200))
	h.job("a", "n", hook(down), 0)
	h.job("b", "n", hook(good), 0)
	h.cfg.places = 20
	h.start()
	for range 30 {
		h.ended("a", events.OK, "")
	}
	last := h.ended("b", events.OK, "")
	if c := h.next(calls); c.Header.Get("webhook-id") != "ended_"+last.FlowJobID {
		t.Errorf("notified of %s", c.Header.Get("webhook-id"))
	}
	h.settled("notify-webhook")
	if n := h.figure("webhook", "given_up"); n != 30 {
		t.Errorf("%v were given up, want 30", n)
	}
}

func TestHostileReceivers(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{}
	h.start()
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
		url, calls := h.receiver(c.answer)
		job := events.Hash(name)
		h.job(job, "n", hook(url), 0)
		ev := h.ended(job, events.OK, "")
		h.next(calls)
		if c.says == "" {
			continue
		}
		if m := h.undelivered("webhook", ev); !strings.Contains(m, c.says) || strings.Contains(m, "inner") {
			t.Errorf("%s: %q", name, m)
		}
	}
	h.settled("notify-webhook")
	if n := h.figure("webhook", "sent"); n != 1 {
		t.Errorf("%v were received, want the one without end", n)
	}
}
