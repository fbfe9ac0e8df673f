package notify

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// toldOf counts what is recorded of the notices of a run.
func (h *harness) toldOf(ev events.RunEvent, channel events.Channel) (told, undelivered []events.RunEvent) {
	h.Helper()
	for v, all := range map[*[]events.RunEvent]jet.View[events.RunEvent]{
		&told: h.bus.RunTold(ev.JobID, ev.FlowJobID, channel), &undelivered: h.bus.RunUndelivered(ev.JobID, ev.FlowJobID, channel),
	} {
		found, err := all.All(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		*v = found
	}
	return told, undelivered
}

func (h *harness) again(ev events.RunEvent, channel events.Channel) {
	h.Helper()
	err := h.bus.PutNoticeAgain(h.Context(), events.NoticeAgain{JobID: ev.JobID, FlowJobID: ev.FlowJobID, Channel: channel, By: "ann", At: time.Now().UTC()})
	if err != nil {
		h.Fatal(err)
	}
}

// What was given up is sent again when somebody asks for it, as it was the first time; when
// that fails too, it is given up again.
func TestNoticesAgain(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var up atomic.Bool
	url, calls := h.receiver(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	stop := h.start()
	h.job("j1", "n", hook(url), 0)
	ev := h.ended("j1", events.ERROR, "why it failed")
	h.undelivered("webhook", ev)
	h.settled("notify-webhook")
	first := h.next(calls)
	for n := 2; n <= 3; n++ {
		for len(calls) > 0 {
			<-calls
		}
		if n == 3 { // asked for while nobody is there
			stop()
			up.Store(true)
		}
		h.again(ev, events.ChannelWebhook)
		if n == 3 {
			h.cfg.Metrics = nil // another process has its own
			h.start()
		}
		c := h.next(calls)
		h.verify(c)
		if c.Header.Get("webhook-id") != first.Header.Get("webhook-id") || string(c.body) != string(first.body) {
			t.Errorf("sent again as %v %s", c.Header, c.body)
		}
		if n == 2 {
			eventstest.Eventually(t, "it is given up again", func() bool { _, undelivered := h.toldOf(ev, "webhook"); return len(undelivered) == 2 })
		}
	}
	eventstest.Eventually(t, "it is told", func() bool { told, _ := h.toldOf(ev, "webhook"); return len(told) == 1 })
	if _, undelivered := h.toldOf(ev, "webhook"); len(undelivered) != 2 {
		t.Errorf("given up %d times", len(undelivered))
	}
	other := h.ended("j1", events.OK, "")
	h.next(calls)
	eventstest.Eventually(t, "what is delivered at once is told, too", func() bool { told, _ := h.toldOf(other, "webhook"); return len(told) == 1 })
}
