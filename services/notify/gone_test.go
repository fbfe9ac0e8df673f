package notify

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// A receiver that answers with Retry-After is left alone until then, by every notification.
func TestRetryAfterIsKept(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			var first time.Time
			url, calls := h.receiver(func(w http.ResponseWriter, _ *http.Request) {
				if first.IsZero() {
					first = time.Now()
					w.Header().Set("Retry-After", "2")
					w.WriteHeader(code)
					return
				}
				if waited := time.Since(first); waited < 2*time.Second {
					t.Errorf("called again after %s", waited)
				}
			})
			h.start()
			h.job("j1", "n", hook(url), 0)
			h.ended("j1", events.OK, "")
			h.next(calls)
			eventstest.Eventually(t, "it is known", func() bool { return h.figure("webhook", "failed") == 1 })
			h.ended("j1", events.OK, "") // another one waits too
			h.next(calls)
			h.next(calls)
			h.settled("notify-webhook")
		})
	}
}

// 410 turns a URL off: it is called once, and once more when it has changed. Other URLs of the job, and other changes of
// it, do not matter.
func TestGone(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, "/gone") {
			w.WriteHeader(http.StatusGone)
		}
	})
	h.start()
	spool := func(beat string) string { return `{"heartbeat":"` + url + beat + `"}` }
	seq := h.asking("j1", spool("/beat"), hook(url+"/gone/s3cret"), 0)
	paths := func(want ...string) {
		t.Helper()
		got := map[string]int{}
		for range want {
			got[h.next(calls).URL.Path]++
		}
		for _, p := range want {
			if got[p] != 1 {
				t.Errorf("called %v; want %v", got, want)
			}
		}
	}
	ev := h.ended("j1", events.OK, "")
	paths("/gone/s3cret", "/beat")
	if m := h.undelivered("webhook", ev); !strings.HasPrefix(m, "off since ") || !strings.Contains(m, "410") {
		t.Errorf("recorded %q", m)
	}
	n, _, err := h.bus.Condition(t.Context(), "j1", events.AboutWebhook)
	if err != nil || n.State != events.Off || strings.Contains(string(events.Encode(n)), "s3cret") {
		t.Errorf("kept %+v, %v", n, err)
	}
	ev = h.ended("j1", events.OK, "")
	paths("/beat")
	h.undelivered("webhook", ev)
	// The same URL, and something else that changed: it is still off.
	rev, err := h.bus.Job(t.Context(), "j1")
	if err != nil {
		t.Fatal(err)
	}
	job := rev.Event.Job
	job.Name = "another"
	if seq, err = h.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobUpdated, Job: job}, seq); err != nil {
		t.Fatal(err)
	}
	ev = h.ended("j1", events.OK, "")
	paths("/beat")
	h.undelivered("webhook", ev)
	// Another path at the same host turns it on, and off again.
	seq = h.asking("j1", spool("/beat"), hook(url+"/gone/2"), seq)
	ev = h.ended("j1", events.OK, "")
	paths("/gone/2", "/beat")
	h.undelivered("webhook", ev)
	h.asking("j1", spool("/gone/beat"), hook(url+"/here"), seq)
	ev = h.ended("j1", events.OK, "")
	paths("/here", "/gone/beat")
	h.undelivered("heartbeat", ev)
	h.ended("j1", events.OK, "")
	paths("/here")
	h.settled("notify-webhook")
	if len(calls) > 0 {
		t.Errorf("called %s", (<-calls).URL)
	}
}

// A redirect is not followed, and where it leads is not shown.
func TestRedirectSaysWhatItIs(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.cfg.retries = retries{}
	url, _ := h.receiver(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://elsewhere.test/s3cret")
		w.WriteHeader(http.StatusMovedPermanently)
	})
	h.start()
	h.job("j1", "n", hook(url), 0)
	m := h.undelivered("webhook", h.ended("j1", events.OK, ""))
	if !strings.Contains(m, "status 301, a redirect, which is not followed: give the URL that it leads to") || strings.Contains(m, "elsewhere") {
		t.Errorf("recorded %q", m)
	}
}

var _ states = (*jet.Bus)(nil)
