package cron

import (
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events"
)

var policies = []events.CatchUp{events.CatchUpLatest, events.CatchUpNone, events.CatchUpAll}

// Whatever happens, under whichever policy: each slot has exactly one trigger or one
// verdict, and what comes late is what the policy asks for.
func TestPolicies(t *testing.T) {
	type count struct{ latest, none, all int } // triggers that come late, of a job that runs each minute or five
	for _, c := range []struct {
		name string
		play func(w *harness, stop func()) (last func())
		late count
	}{
		{"crash between commit and answer", func(w *harness, stop func()) func() {
			w.until(0, 10, time.Second)
			w.fail(unknown)
			w.until(0, 11)
			stop()
			w.fail(stored)
			w.until(0, 22, 30*time.Second)
			return w.run()
		}, count{latest: 1, all: 10 + 2}},
		{"crash before the commit", func(w *harness, stop func()) func() {
			w.until(0, 10, time.Second)
			w.fail(unknownGone)
			w.until(0, 11)
			stop()
			w.fail(stored)
			w.until(0, 22, 30*time.Second)
			return w.run()
		}, count{latest: 1, all: 11 + 2}},
		{"restart over a minute", func(w *harness, stop func()) func() {
			w.until(0, 9, 58*time.Second)
			stop()
			w.until(0, 10, 3*time.Second)
			return w.run()
		}, count{}},
		{"failover", func(w *harness, stop func()) func() {
			second := w.run()
			w.until(0, 10)
			stop()
			return second
		}, count{}},
		{"jump forward", func(w *harness, stop func()) func() {
			w.until(0, 10, time.Second)
			w.offset.Store(int64(32 * time.Minute))
			return stop
		}, count{latest: 1, all: 31 + 6}},
		{"jump forward by more than the window", func(w *harness, stop func()) func() {
			w.until(0, 10, time.Second)
			w.offset.Store(int64(30*time.Hour + 2*time.Minute))
			return stop
		}, count{latest: 1, all: 24*60 + 24*12}},
		{"jump back within patience", func(w *harness, stop func()) func() {
			w.until(0, 10, time.Second)
			w.offset.Store(int64(-90 * time.Second))
			return stop
		}, count{}},
		{"jump back and right again", func(w *harness, stop func()) func() {
			w.until(0, 10, time.Second)
			w.offset.Store(int64(-time.Hour))
			w.until(0, 17, 30*time.Second)
			w.offset.Store(0)
			return stop
		}, count{latest: 1, all: 6 + 1}},
		{"suspend, then a failover", func(w *harness, stop func()) func() {
			second := w.run()
			w.until(0, 10, 50*time.Second)
			w.offset.Store(int64(22 * time.Minute))
			stop()
			return second
		}, count{latest: 1, all: 21 + 4}},
		{"enable", func(w *harness, stop func()) func() {
			w.until(0, 5, time.Second)
			w.both(w.disable)
			w.until(0, 20, time.Second)
			w.both(w.enable)
			return stop
		}, count{}},
		{"enable while nobody is there", func(w *harness, stop func()) func() {
			w.until(0, 5, time.Second)
			w.both(w.disable)
			stop()
			w.until(0, 20, time.Second)
			w.both(w.enable)
			w.until(0, 20, 30*time.Second)
			return w.run()
		}, count{}},
		{"edit", func(w *harness, stop func()) func() {
			w.until(0, 20, time.Second)
			w.both(w.toEverySeven)
			return stop
		}, count{}},
		{"edit while nobody is there", func(w *harness, stop func()) func() {
			w.until(0, 5, time.Second)
			stop()
			w.until(0, 20, time.Second)
			w.both(w.toEverySeven)
			w.until(0, 21, 30*time.Second)
			return w.run()
		}, count{}},
	} {
		for _, p := range policies {
			t.Run(c.name+", "+string(p), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newHarness(t)
					w.create(time.Now(), "one", "* * * * *", options{CatchUp: p})
					w.create(time.Now(), "five", "*/5 * * * *", options{CatchUp: p})
					stop := c.play(w, w.run())
					time.Sleep(30 * time.Minute)
					stop()
					fired, passed := w.all(t)
					audit(t, w.history, fired, passed, w.memory, w.time())
					got := 0
					for _, f := range fired {
						if events.CaughtUp(f.Minute, f.At) {
							got++
						}
					}
					want := map[events.CatchUp]int{events.CatchUpLatest: c.late.latest, events.CatchUpNone: c.late.none, events.CatchUpAll: c.late.all}[p]
					if got != want {
						t.Errorf("%d triggers came late, want %d", got, want)
					}
					for _, v := range passed {
						if v.Verdict == events.VerdictSuperseded && p != events.CatchUpLatest || v.Reason == events.WhyNotRunning && p != events.CatchUpNone {
							t.Errorf("verdict %+v under policy %s", v, p)
						}
					}
					if left := backlogsOf(t, w.memory); len(left) > 0 {
						t.Errorf("left of backlogs: %v", left)
					}
				})
			})
		}
	}
}

// run starts a replica and gives what ends it.
func (w *harness) run() func() {
	_, stop := w.start()
	return stop
}

// fail decides the fate of all commits from now on.
func (w *harness) fail(f fate) {
	w.memory.mu.Lock()
	defer w.memory.mu.Unlock()
	w.meddle = func(int) fate { return f }
}

func (w *harness) both(change func(at time.Time, id string)) {
	for _, id := range []string{"one", "five"} {
		change(time.Now(), id)
	}
}

// toEverySeven is an edit that leaves the policy as it is.
func (w *harness) toEverySeven(at time.Time, id string) {
	j := w.jobs[id]
	timing, err := j.Timing()
	if err != nil {
		w.t.Fatal(err)
	}
	w.edit(at, id, "*/7 * * * *", options{CatchUp: timing.CatchUp})
}
