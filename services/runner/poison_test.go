//go:build linux || darwin

package runner

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/reaper"
)

// died stores what a runner leaves of an attempt at which it died: a start.
func (h *harness) died(r *Runner, flowJobID string) {
	h.t.Helper()
	run, found, err := h.bus.AcceptedRun(h.t.Context(), flowJobID)
	if err != nil || !found {
		h.t.Fatalf("%v, found %v", err, found)
	}
	last, seq, err := r.standing(h.t.Context(), run)
	if err != nil {
		h.t.Fatal(err)
	}
	began := event(events.Started, run, time.Now())
	began.Attempt, began.Process = last.Attempt+1, &events.Process{Host: r.reaper.Host, Boot: "before"}
	if _, err := r.claim(h.t.Context(), began, seq); err != nil {
		h.t.Fatal(err)
	}
}

// A run that was under way at three deaths of its runner is not started again.
func TestPoison(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo $$ >> "$1/journal"`)
	r := h.runner(nil)
	url := h.serve(r).URL
	bad, unlucky := h.accept(url, "bad", "flow", `{}`), h.accept(url, "unlucky", "flow", `{}`)
	for deaths := 1; deaths <= mostDeaths; deaths++ {
		h.died(r, bad)
		if deaths < mostDeaths {
			h.died(r, unlucky)
		}
	}
	h.background(r.Run)
	if ended := h.until(events.Ended, bad); ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "poison: Spool died 3 times") || ended.Attempt != mostDeaths {
		t.Errorf("ended %+v", ended)
	}
	if ended := h.until(events.Ended, unlucky); ended.Status != events.OK || ended.Attempt != mostDeaths {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
	if n, _ := h.phase(events.Started, bad); n != mostDeaths || len(h.lines("in/journal")) != 1 {
		t.Errorf("%d starts; ran %v", n, h.lines("in/journal"))
	}
}

// Stops are no deaths, however many there are, and deaths between them add up.
func TestStopsAreNoPoison(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", waits)
	r := h.runner(nil)
	id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
	h.died(r, id)
	for begun := 1; begun <= mostDeaths; begun++ {
		stop := h.background(h.runner(nil).Run)
		h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == begun })
		stop()
	}
	h.died(r, id)
	h.write("in/release", "", 0o644)
	h.background(r.Run)
	if ended := h.until(events.Ended, id); ended.Status != events.OK || ended.Attempt != mostDeaths+3 {
		t.Errorf("ended %+v", ended)
	}
}

// The same as TestPoison with runners that are killed.
func TestLongPoison(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: a run whose runner died waits 10 s for the next")
	}
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", waits)
	relay := h.relay()
	acceptor := h.runner(nil)
	id := h.accept(h.serve(acceptor).URL, "k", "flow", `{}`)
	for deaths := 1; deaths <= mostDeaths; deaths++ {
		kill := h.killable(relay.url)
		h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == deaths })
		kill()
	}
	h.background(acceptor.Run)
	ended := h.until(events.Ended, id)
	if ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "poison: ") || ended.Attempt != mostDeaths {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
	if n, last := h.phase(events.Started, id); n != mostDeaths {
		t.Errorf("%d starts", n)
	} else if members, err := reaper.Group(last.Process.PID); err != nil || reaper.CountAlive(members) > 0 {
		t.Errorf("of the last attempt there are left %+v (%v)", members, err)
	}
}
