package notify

import (
	"testing"

	"spool.internal/events"
)

// However often and whenever notify is stopped, it ends, leaves no goroutine behind (TestMain looks), and every
// notification is delivered.
func TestStartsAndStops(t *testing.T) { startsAndStops(t, 12) }

func TestLongStartsAndStops(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it starts notify 100 times")
	}
	startsAndStops(t, 100)
}

func startsAndStops(t *testing.T, times int) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.job("j1", "n", hook(url), 0)
	h.start()() // makes the consumers
	h.cfg.Metrics = nil
	missing := map[string]bool{}
	take := func(c call) { delete(missing, c.Header.Get("webhook-id")) }
	for n := range times {
		missing["ended_"+h.ended("j1", events.OK, "").FlowJobID] = true
		stop := h.start()
		if n%2 == 1 { // in the middle of a delivery, else of its start
			take(h.next(calls))
		}
		stop()
	}
	h.start()
	h.settled("notify-webhook")
	for len(calls) > 0 {
		take(<-calls)
	}
	if len(missing) > 0 {
		t.Errorf("not delivered: %v", missing)
	}
}
