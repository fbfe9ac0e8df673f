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
func (l *lab) died(r *Runner, flowJobID string) {
	l.t.Helper()
	run, found, err := l.bus.AcceptedRun(l.t.Context(), flowJobID)
	if err != nil || !found {
		l.t.Fatalf("%v, found %v", err, found)
	}
	last, seq, err := r.standing(l.t.Context(), run)
	if err != nil {
		l.t.Fatal(err)
	}
	began := event(events.Started, run, time.Now())
	began.Attempt, began.Process = last.Attempt+1, &events.Process{Host: r.reaper.Host, Boot: "before"}
	if _, err := r.claim(l.t.Context(), began, seq); err != nil {
		l.t.Fatal(err)
	}
}

// A run that was under way at three deaths of its runner is not started again.
func TestPoison(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `echo $$ >> "$1/journal"`)
	r := l.runner(nil)
	url := l.serve(r).URL
	bad, unlucky := l.accept(url, "bad", "flow", `{}`), l.accept(url, "unlucky", "flow", `{}`)
	for deaths := 1; deaths <= mostDeaths; deaths++ {
		l.died(r, bad)
		if deaths < mostDeaths {
			l.died(r, unlucky)
		}
	}
	l.background(r.Run)
	if ended := l.until(events.Ended, bad); ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "poison: Spool died 3 times") || ended.Attempt != mostDeaths {
		t.Errorf("ended %+v", ended)
	}
	if ended := l.until(events.Ended, unlucky); ended.Status != events.OK || ended.Attempt != mostDeaths {
		t.Errorf("ended %+v", ended)
	}
	l.drained()
	if n, _ := l.phase(events.Started, bad); n != mostDeaths || len(l.lines("in/journal")) != 1 {
		t.Errorf("%d starts; ran %v", n, l.lines("in/journal"))
	}
}

// Stops are no deaths, however many there are, and deaths between them add up.
func TestStopsAreNoPoison(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", waits)
	r := l.runner(nil)
	id := l.accept(l.serve(r).URL, "k", "flow", `{}`)
	l.died(r, id)
	for begun := 1; begun <= mostDeaths; begun++ {
		stop := l.background(l.runner(nil).Run)
		l.eventually("the flow runs", func() bool { return len(l.lines("in/journal")) == begun })
		stop()
	}
	l.died(r, id)
	l.write("in/release", "", 0o644)
	l.background(r.Run)
	if ended := l.until(events.Ended, id); ended.Status != events.OK || ended.Attempt != mostDeaths+3 {
		t.Errorf("ended %+v", ended)
	}
}

// The same as TestPoison with runners that are killed.
func TestLongPoison(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: a run whose runner died waits 10 s for the next")
	}
	l := newLab(t, eventstest.Options{})
	l.flow("flow", waits)
	relay := l.relay()
	acceptor := l.runner(nil)
	id := l.accept(l.serve(acceptor).URL, "k", "flow", `{}`)
	for deaths := 1; deaths <= mostDeaths; deaths++ {
		kill := l.killable(relay.url)
		l.eventually("the flow runs", func() bool { return len(l.lines("in/journal")) == deaths })
		kill()
	}
	l.background(acceptor.Run)
	ended := l.until(events.Ended, id)
	if ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "poison: ") || ended.Attempt != mostDeaths {
		t.Errorf("ended %+v", ended)
	}
	l.drained()
	if n, last := l.phase(events.Started, id); n != mostDeaths {
		t.Errorf("%d starts", n)
	} else if members, err := reaper.Group(last.Process.PID); err != nil || reaper.CountAlive(members) > 0 {
		t.Errorf("of the last attempt there are left %+v (%v)", members, err)
	}
}
