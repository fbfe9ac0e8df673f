package dispatcher

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestBackoff(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name              string
		calls             int
		age, limit, asked time.Duration
		luck              float64
		want              time.Duration
		ok                bool
	}{
		{"first", 1, 0, day, 0, 0.5, time.Second, true},
		{"second", 2, time.Second, day, 0, 0.5, 5 * time.Second, true},
		{"third", 3, time.Minute, day, 0, 0.5, 30 * time.Second, true},
		{"fourth", 4, time.Minute, day, 0, 0.5, 2 * time.Minute, true},
		{"fifth", 5, time.Minute, day, 0, 0.5, 10 * time.Minute, true},
		{"hundredth", 100, time.Hour, day, 0, 0.5, 10 * time.Minute, true},
		{"a little sooner", 5, time.Minute, day, 0, 0, 9 * time.Minute, true},
		{"asked for longer", 1, 0, day, time.Minute, 0.5, time.Minute, true},
		{"asked for less", 5, 0, day, time.Minute, 0.5, 10 * time.Minute, true},
		{"asked for more than is left", 1, 0, 10 * time.Second, time.Minute, 0.5, 0, false},
		{"the last call is at the limit", 3, 6 * time.Second, 10 * time.Second, 0, 0.5, 4 * time.Second, true},
		{"over", 4, 10 * time.Second, 10 * time.Second, 0, 0.5, 0, false},
		{"as good as over", 4, 9700 * time.Millisecond, 10 * time.Second, 0, 0.5, 0, false},
		{"at most once", 1, 0, 0, 0, 0.5, 0, false},
	} {
		got, ok := tried{c.calls, c.age, c.limit, c.asked}.backoff(retryWaits, c.luck)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: %s %v, want %s %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := events.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", text, got, want)
		}
	}
}

// A trigger that waits for its next call shows, takes no worker, and waits on
// across restarts of the dispatcher and of the server.
func TestWaitsAcrossRestarts(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	called := make(chan time.Time, 10)
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.Header.Get(events.HeaderKey), ":other") {
			io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
			return
		}
		called <- time.Now()
		if calls.Add(1) == 1 {
			w.WriteHeader(500)
			io.WriteString(w, "not yet") //nolint:errcheck // a test's answer
		}
	})
	h.cfg.RetryWaits, h.cfg.Workers = []time.Duration{5 * time.Second}, 1
	seq := h.job("j", "1h", nil)
	trigger := h.trigger("j", "1", seq)
	stop := h.run()
	first := <-called
	h.trigger("j", "other", seq)
	eventstest.Eventually(h, "another trigger is not kept up", func() bool {
		done, err := h.bus.HasResult(t.Context(), "j", "manual:j:other", time.Time{})
		return err == nil && done
	})
	eventstest.Eventually(h, "what waits is shown", func() bool {
		s, ok := h.retryState("j")
		return ok && s.TriggerID == trigger.ID && s.Attempt == 1 && s.LastError == "HTTP 500: not yet" && s.Waiting == 1 && len(s.Triggers) == 1 && s.Triggers[0].Next.Equal(s.Next) &&
			s.Next.After(time.Now().Add(-time.Second))
	})
	stop()
	h.srv.Restart(t)
	stop = h.run()
	time.Sleep(100 * time.Millisecond)
	stop()
	h.run()
	if apart := (<-called).Sub(first); apart < 3400*time.Millisecond {
		t.Errorf("retried after %s, want 5 s, a tenth and a second less at the most", apart)
	}
	if res := h.results("j", 2)[1]; res.Status != events.OK || res.Attempts < 2 {
		t.Errorf("result %+v", res)
	}
	eventstest.Eventually(h, "nothing is shown any more", func() bool {
		_, ok := h.retryState("j")
		return !ok
	})
}

// An endpoint that refuses five times in a row is only probed, and found when it comes back.
func TestCircuitBreaker(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(answer(200, `{"status":"OK"}`))
	addr := s.Listener.Addr().String()
	s.Listener.Close()
	h := newHarness(t, nil)
	h.cfg.RunBinaryURL = "http://" + addr + events.RunBinaryPath
	d, _ := h.dispatcher()
	seq := h.job("j", "1h", nil)
	young := h.job("short", "700ms", nil)
	for n := range 20 {
		h.trigger("j", string(rune('a'+n)), seq)
	}
	eventstest.Eventually(h, "the circuit breaker opens", func() bool { return !d.endpoints.closed() })
	h.trigger("short", "1", young)
	eventstest.Eventually(h, "what grows too old ends", func() bool {
		res, found, err := h.bus.ResultOf(t.Context(), "short", "manual:short:1", time.Time{})
		return err == nil && found && res.Status == events.ERROR && strings.Contains(res.HTTP.Response, "connection refused")
	})
	eventstest.Eventually(h, "what waits is shown", func() bool {
		s, ok := h.retryState("j")
		return ok && strings.Contains(s.LastError, "connection refused") && s.Waiting > 10 && !s.Gate.IsZero() && len(s.Triggers) == s.Waiting
	})
	back := httptest.NewUnstartedServer(answer(200, `{"status":"OK"}`))
	back.Listener.Close()
	var err error
	if back.Listener, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	back.Start()
	t.Cleanup(back.Close)
	for _, res := range h.results("j", 20) {
		if res.Status != events.OK {
			t.Errorf("result %+v", res)
		}
	}
	if !d.endpoints.closed() {
		t.Error("the circuit breaker is still open")
	}
}

func (h *harness) retryState(job string) (s events.RetryState, ok bool) {
	h.Helper()
	m, found, err := h.bus.RetryState(job).Last(h.Context())
	if err != nil || !found {
		return s, false
	}
	return s, json.Unmarshal(m.Data, &s) == nil
}
