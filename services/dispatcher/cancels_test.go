package dispatcher

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// cancel asks for the end of a trigger before its call, as a gateway does.
func (h *harness) cancel(t events.Trigger) events.RunEvent {
	h.Helper()
	ev := events.RunEvent{
		Phase: events.Cancelling, At: time.Now().UTC(), FlowJobID: events.FlowJobID("ann lee", t.ID), TriggerID: t.ID, JobID: t.JobID,
		Owner: "ann lee", Message: events.CancelledBy + "bob",
	}
	if err := h.bus.PutCancelBefore(h.Context(), ev); err != nil {
		h.Fatal(err)
	}
	return ev
}

// isCancelled wants one result of a trigger, which says who cancelled it, and nothing queued.
func (h *harness) isCancelled(t events.Trigger, calls int) {
	h.Helper()
	for _, r := range h.results(t.JobID, 1) {
		if r.TriggerID != t.ID || r.Outcome != events.OutcomeCancelled || r.Why != "it was not called: cancelled by bob" || r.Attempts != calls || r.Status != events.ERROR {
			h.Errorf("%+v", r)
		}
	}
	if n := len(h.results(t.JobID, 1)); n != 1 {
		h.Errorf("%d results", n)
	}
	if n, err := h.bus.DeadLetters(t.JobID).Count(h.Context()); n != 0 || err != nil {
		h.Errorf("%d dead letters, %v", n, err)
	}
}

// What waits for its first call, or its next one, or until its job is enabled, or until there is a dispatcher,
// ends at once when it is cancelled, and is not called.
func TestCancelBeforeTheCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		endpoint http.HandlerFunc
		calls    int
		disabled bool
		late     bool // the dispatcher comes after the cancel
	}{
		"the endpoint refuses connections": {nil, 0, false, false},
		"its call failed":                  {answer(503, "busy"), 1, false, false},
		"its job is disabled":              {answer(200, `{"status":"OK"}`), 0, true, false},
		"no dispatcher is there":           {answer(200, `{"status":"OK"}`), 0, false, true},
		"no dispatcher, disabled":          {answer(200, `{"status":"OK"}`), 0, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var called atomic.Int32
			endpoint := c.endpoint
			if endpoint != nil {
				endpoint = func(w http.ResponseWriter, r *http.Request) {
					called.Add(1)
					c.endpoint(w, r)
				}
			}
			h := newHarness(t, endpoint)
			h.cfg.RetryWaits, h.cfg.ProbeEvery = []time.Duration{time.Hour}, time.Hour
			seq := h.job("j", "168h", nil)
			if c.disabled {
				seq = h.setStatus("j", events.JobDisabled, events.Disabled)
			}
			if !c.late {
				h.run()
			}
			slot := h.slot("j", seq, events.MinuteOf(time.Now()))
			switch {
			case c.disabled && !c.late:
				h.isPaused("j", 1)
			case c.calls > 0:
				eventstest.Eventually(t, "its call fails", func() bool { s, err := h.bus.JobStates(t.Context(), "j"); return err == nil && s.Retry != nil })
			case !c.late:
				eventstest.Eventually(t, "it is known that the endpoint refuses", func() bool { s, err := h.bus.JobStates(t.Context(), "j"); return err == nil && s.Retry != nil })
			}
			h.cancel(slot)
			if c.late {
				h.run()
			}
			if c.endpoint == nil { // the first call was refused, or it waited behind one that was
				if r := h.results("j", 1); len(r) != 1 || r[0].Outcome != events.OutcomeCancelled {
					t.Errorf("%+v", r)
				}
				return
			}
			h.isCancelled(slot, 0)
			if n := int(called.Load()); n != c.calls {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// Who is cancelled while the call is made has its answer: the run that it names does not begin, for the first event
// of that is there.
func TestCancelDuringTheCall(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	h := newHarness(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-goOn
		answer(200, `{"status":"OK","data":{"job_id":"a-run"}}`)(w, r)
	})
	h.run()
	trigger := h.trigger("j", "1", h.job("j", "168h", nil))
	<-begun
	ev := h.cancel(trigger)
	time.Sleep(200 * time.Millisecond) // it is heard, and left to the call
	close(goOn)
	if r := h.results("j", 1); len(r) != 1 || r[0].Status != events.OK || r[0].FlowJobID != "a-run" {
		t.Errorf("%+v", r)
	}
	if last, _, err := h.bus.LastRunEvent(t.Context(), "j", ev.FlowJobID); err != nil || last.Phase != events.Cancelling {
		t.Errorf("%+v, %v", last, err)
	}
}

// A call that fails after its trigger was cancelled is not made again.
func TestCancelDuringACallThatFails(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	h := newHarness(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun) // a second call panics
		<-goOn
		answer(503, "busy")(w, r)
	})
	h.run()
	trigger := h.trigger("j", "1", h.job("j", "168h", nil))
	<-begun
	h.cancel(trigger)
	time.Sleep(200 * time.Millisecond)
	close(goOn)
	h.isCancelled(trigger, 0)
}
