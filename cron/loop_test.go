package cron

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// world is a store, a jobLog and the replicas that run on them, in a synctest
// bubble: the loop, gocron and all, in no time.
type harness struct {
	t *testing.T
	*memory
	*journal
	*editor
	offset atomic.Int64 // of the wall clock, ns
}

func newHarness(t *testing.T) *harness {
	j := newJournal()
	return &harness{t: t, memory: &memory{}, journal: j, editor: newEditor(j.put)}
}

func (w *harness) time() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

// start runs a replica; stop ends it, and nothing of it is left.
func (w *harness) start() (l *loop, stop func()) {
	jobs := newIndex(time.UTC, quiet(w.t))
	w.attach(jobs)
	l = newLoop(replica(w.t, w.memory, w.journal, jobs, w.time))
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	wg.Go(func() { newDrainer(w.memory, l).run(ctx) })
	wg.Go(func() { l.engine.watch.run(ctx) })
	return l, func() {
		synctest.Wait()
		cancel()
		wg.Wait()
		w.detach(jobs)
	}
}

// until sleeps to a time of the first day.
func (w *harness) until(hour, minute int, rest ...time.Duration) time.Time {
	time.Sleep(time.Until(at(hour, minute, rest...)))
	return time.Now()
}

func (w *harness) check(want ...string) {
	w.t.Helper()
	synctest.Wait()
	fired, passed := w.all(w.t)
	if diff := cmp.Diff(want, show(fired, passed)); diff != "" {
		w.t.Errorf("stored (-want +got):\n%s", diff)
	}
	audit(w.t, w.history, fired, passed, w.memory, w.time())
}

func TestHourlyRunsEveryHour(t *testing.T) {
	for _, hours := range []int{24, 48} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			w.until(0, 0, 300*time.Millisecond) // the check of the wall clock will be late by this
			w.create(time.Now(), "j", "@hourly", options{})
			var passes []time.Time
			w.meddle = func(int) fate { passes = append(passes, time.Now()); return stored }
			_, stop := w.start()
			w.until(hours, 0, time.Second)
			stop()
			fired, passed := w.all(t)
			if len(fired) != hours || len(passed) != 0 {
				t.Fatalf("%d triggers and %d verdicts in %d hours", len(fired), len(passed), hours)
			}
			for n, f := range fired {
				if want := at(n+1, 0); !f.At.Equal(want) || f.Minute.Time() != want {
					t.Errorf("trigger %d is for %s and came at %s, want %s", n, f.Minute.Time(), f.At, want)
				}
			}
			audit(t, w.history, fired, passed, w.memory, w.time())
			hourly := 60 / events.QuietMinutes // quiet minutes are committed together
			if len(passes) != hours*hourly+1 {
				t.Errorf("%d commits, want one at the start and %d an hour", len(passes), hourly)
			}
			for n, pass := range passes[1:] {
				if want := at(0, (n+1)*events.QuietMinutes); !pass.Equal(want) {
					t.Errorf("commit %d was at %s, want %s", n+1, pass, want)
				}
			}
		})
	}
}

func TestJobsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		_, stop := w.start()
		defer stop()
		w.create(w.until(0, 5), "a", "*/20 * * * *", options{})
		w.create(w.until(0, 5), "files", "* * * * *", options{spooled: true})
		w.disable(w.until(0, 30), "a")
		w.rename(w.until(0, 50), "a")
		w.enable(w.until(1, 30), "a")
		w.edit(w.until(1, 50), "a", "15 * * * *", options{})
		w.create(w.until(2, 0), "b", "0 * * * *", options{}) // not its own: a slot comes after the job
		w.remove(w.until(2, 30), "a")
		w.until(4, 0, time.Second)
		w.check(
			"a 00:20 fired",
			"a 00:40-01:20 disabled",
			"a 01:40 fired",
			"a 02:15 fired",
			"b 03:00 fired",
			"b 04:00 fired",
		)
	})
}

// A shadowed job shows when it would run, whatever happens to it and to cron, until it is
// enabled.
func TestShadow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		_, stop := w.start()
		w.create(w.until(0, 5), "a", "*/20 * * * *", options{Shadow: true})
		w.create(w.until(0, 5), "plain", "*/20 * * * *", options{})
		w.disable(w.until(0, 30), "plain")
		w.edit(w.until(0, 30), "plain", "*/20 * * * *", options{Shadow: true}) // of a disabled job
		w.edit(w.until(0, 50), "a", "*/30 * * * *", options{Shadow: true})
		w.until(1, 10)
		stop()
		w.rename(w.until(1, 45), "a")
		_, stop = w.start()
		defer stop()
		w.enable(w.until(2, 10), "a")
		w.edit(w.until(2, 10), "plain", "*/20 * * * *", options{}) // no longer shadowed, and disabled still
		w.enable(w.until(3, 10), "plain")
		w.until(3, 31, time.Second)
		w.check(
			"a 00:20-00:20 shadow",
			"a 00:40-00:40 shadow",
			"a 01:00-01:00 shadow",
			"a 01:30-01:30 shadow",
			"a 02:00-02:00 shadow",
			"a 02:30 fired",
			"a 03:00 fired",
			"a 03:30 fired",
			"plain 00:20 fired",
			"plain 00:40-00:40 shadow",
			"plain 01:00-01:00 shadow",
			"plain 01:20-01:20 superseded (a newer slot ran instead)",
			"plain 01:40-01:40 shadow",
			"plain 02:00-02:00 shadow",
			"plain 02:20-03:00 disabled",
			"plain 03:20 fired",
		)
	})
}

func TestChangesWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "edited", "*/10 * * * *", options{})
		w.create(time.Now(), "disabled", "*/10 * * * *", options{})
		w.create(time.Now(), "enabled", "*/10 * * * *", options{})
		_, stop := w.start()
		w.disable(w.until(0, 15), "enabled")
		w.until(0, 25)
		stop()
		now := w.until(0, 45)
		w.edit(now, "edited", "*/5 * * * *", options{})
		w.disable(now, "disabled")
		w.enable(now, "enabled")
		now = w.until(1, 5, time.Second)
		w.edit(now, "edited", "*/15 * * * *", options{})
		w.rename(now, "enabled")
		w.until(1, 20, time.Second)
		_, stop = w.start()
		defer stop()
		w.check(
			"disabled 00:10 fired",
			"disabled 00:20 fired",
			"disabled 00:30-00:40 missed (disabled before it could run)",
			"edited 00:10 fired",
			"edited 00:20 fired",
			"edited 00:30-00:40 missed (edited)",
			"edited 00:50-01:05 missed (edited)",
			"edited 01:15 fired",
			"enabled 00:10 fired",
			"enabled 00:20-00:40 disabled",
			"enabled 00:50-01:10 superseded (a newer slot ran instead)",
			"enabled 01:20 fired",
		)
	})
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "latest", "*/10 * * * *", options{})
		w.create(time.Now(), "none", "*/10 * * * *", options{CatchUp: "none"})
		_, stop := w.start()
		w.until(0, 10, time.Second)
		stop()
		w.until(5, 5)
		_, stop = w.start()
		w.until(5, 10, time.Second)
		stop()
		w.until(33, 0, 59*time.Second) // the slot of 33:00 is on time
		_, stop = w.start()
		defer stop()
		w.check(
			"latest 00:10 fired",
			"latest 00:20-04:50 superseded (a newer slot ran instead)",
			"latest 05:00 fired",
			"latest 05:10 fired",
			"latest 05:20-08:50 missed (beyond the catch-up window)",
			"latest 09:00-32:50 superseded (a newer slot ran instead)",
			"latest 33:00 fired",
			"none 00:10 fired",
			"none 00:20-05:00 missed (not running)",
			"none 05:10 fired",
			"none 05:20-08:50 missed (beyond the catch-up window)",
			"none 09:00-32:50 missed (not running)",
			"none 33:00 fired",
		)
	})
}

func TestFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(w.until(0, 30), "a", "0 * * * *", options{})
		w.edit(w.until(2, 30), "a", "20 * * * *", options{})
		w.disable(w.until(4, 30), "a")
		w.enable(w.until(6, 30), "a")
		w.create(w.until(7, 0), "b", "* * * * *", options{})
		w.until(9, 0)
		_, stop := w.start()
		defer stop()
		w.check(
			"a 01:00-02:00 missed (edited)",
			"a 03:20-04:20 missed (disabled before it could run)",
			"a 05:20-06:20 disabled",
			"a 07:20-07:20 superseded (a newer slot ran instead)",
			"a 08:20 fired",
			"b 07:01-08:59 superseded (a newer slot ran instead)",
			"b 09:00 fired",
		)
	})
}

// A wall clock that steps forward, as after a suspend, is a time in which cron was
// not there; gocron would notice it a minute later.
func TestWallClockStepsForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "j", "* * * * *", options{})
		_, stop := w.start()
		defer stop()
		w.until(0, 1, 30*time.Second)
		w.offset.Store(int64(3 * time.Hour))
		time.Sleep(time.Second)
		w.check(
			"j 00:01 fired",
			"j 00:02-03:00 superseded (a newer slot ran instead)",
			"j 03:01 fired",
		)
	})
}

func TestWallClockStepsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "j", "* * * * *", options{})
		l, stop := w.start()
		defer stop()
		w.until(0, 10, time.Second)
		w.offset.Store(int64(-2 * time.Minute))
		w.until(0, 11, time.Second)
		if err := l.health.check(); err != nil {
			t.Errorf("a step back by two minutes: %v", err)
		}
		w.until(0, 13, time.Second)
		if fired, _ := w.all(t); len(fired) != 11 {
			t.Errorf("%d triggers, want 11: none before the clock was caught up, one after", len(fired))
		}
		w.offset.Store(int64(-time.Hour))
		w.until(0, 14, time.Second)
		if err := l.health.check(); err == nil {
			t.Error("ready with a clock that is an hour ahead")
		}
		w.offset.Store(0)
		w.until(0, 15, time.Second)
		if err := l.health.check(); err != nil {
			t.Errorf("not ready when the clock is right again: %v", err)
		}
		fired, passed := w.all(t)
		audit(t, w.history, fired, passed, w.memory, w.time())
	})
}

func TestStoreComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "j", "* * * * *", options{})
		var broken atomic.Bool
		w.meddle = func(int) fate {
			if broken.Load() {
				return refused
			}
			return stored
		}
		l, stop := w.start()
		defer stop()
		w.until(0, 1, 30*time.Second)
		broken.Store(true)
		w.until(0, 4, 30*time.Second)
		if err := l.health.check(); events.CodeOf(err) != events.Full {
			t.Errorf("with a full store: %v", err)
		}
		broken.Store(false)
		w.until(0, 5, time.Second)
		if err := l.health.check(); err != nil {
			t.Error(err)
		}
		w.check(
			"j 00:01 fired",
			"j 00:02-00:03 superseded (a newer slot ran instead)",
			"j 00:04 fired",
			"j 00:05 fired",
		)
	})
}
