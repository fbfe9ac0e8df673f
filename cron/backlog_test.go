package cron

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// outage makes an hour of nobody there, for a job of each policy.
func outage(w *harness) (stop func()) {
	for _, p := range policies {
		w.create(time.Now(), string(p), "*/10 * * * *", options{CatchUp: p})
	}
	_, stop = w.start()
	w.until(0, 10, time.Second)
	stop()
	w.until(1, 15)
	_, stop = w.start()
	return stop
}

func TestBacklogIsWorkedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		stop := outage(w)
		w.until(1, 20, time.Second)
		stop()
		w.check(
			"all 00:10 fired", "all 00:20 fired", "all 00:30 fired", "all 00:40 fired",
			"all 00:50 fired", "all 01:00 fired", "all 01:10 fired", "all 01:20 fired",
			"latest 00:10 fired", "latest 00:20-01:00 superseded (a newer slot ran instead)",
			"latest 01:10 fired", "latest 01:20 fired",
			"none 00:10 fired", "none 00:20-01:10 missed (not running)", "none 01:20 fired",
		)
		fired, _ := w.all(t)
		var order []string
		for _, f := range fired {
			if f.JobID == "all" {
				order = append(order, f.Minute.Time().Format("15:04"))
			}
		}
		if want := []string{"00:10", "01:10", "00:20", "00:30", "00:40", "00:50", "01:00", "01:20"}; !slices.Equal(order, want) {
			t.Errorf("slots ran in the order %v, want %v", order, want)
		}
		if len(w.later) != 0 {
			t.Errorf("a settled backlog is kept: %v", w.later)
		}
	})
}

// A backlog goes on at its rate, evenly over the jobs, while the clock goes on as ever.
func TestBacklogIsSpaced(t *testing.T) {
	for _, replicas := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			const jobs, minutes = 20, 600
			for n := range jobs {
				w.create(time.Now(), fmt.Sprintf("job-%02d", n), "* * * * *", options{CatchUp: "all"})
			}
			_, stop := w.start()
			w.until(0, 1, time.Second)
			stop()
			began := w.until(10, 0, 30*time.Second)
			for range replicas {
				_, stop = w.start()
				defer stop()
			}
			time.Sleep(jobs * minutes * time.Second / catchUpRate * 3 / 2)
			synctest.Wait()
			fired, passed := w.all(t)
			seconds, reached := map[int64]int{}, map[string]events.Minute{}
			for _, f := range fired {
				switch {
				case !events.CaughtUp(f.Minute, f.At):
					if f.Minute > events.MinuteOf(began) && !f.At.Equal(f.Minute.Time()) {
						t.Errorf("%s came at %s: the clock waited for a backlog", f.ID, f.At)
					}
				case f.Minute < events.MinuteOf(began):
					seconds[f.At.Unix()]++
					for id, slot := range reached {
						if f.Minute > slot+1 {
							t.Fatalf("%s ran when %s had come to %s only", f.ID, id, slot.Time())
						}
					}
					reached[f.JobID] = f.Minute
				}
			}
			for second, n := range seconds {
				if n > catchUpRate*12/10 {
					t.Errorf("%d triggers in the second %d, want about %d", n, second-began.Unix(), catchUpRate)
				}
			}
			t.Logf("%d replicas: %d seconds with triggers of the backlog", replicas, len(seconds))
			audit(t, w.history, fired, passed, w.memory, w.time())
			if all := backlogsOf(t, w.memory); len(all) != 0 {
				t.Errorf("left of backlogs: %v", all)
			}
		})
	}
}

func TestJobChangesUnderItsBacklog(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *harness)
		want   []string
	}{
		{"disabled", func(w *harness) { w.disable(time.Now(), "j") }, []string{
			"j 00:01 fired", "j 00:02-00:04 missed (disabled before it could run)", "j 00:05 fired",
		}},
		{"disabled and enabled", func(w *harness) { w.disable(time.Now(), "j"); w.enable(time.Now(), "j") }, []string{
			"j 00:01 fired", "j 00:02-00:04 missed (disabled before it could run)", "j 00:05 fired",
		}},
		{"edited", func(w *harness) { w.edit(time.Now(), "j", "0 0 1 1 *", options{}) }, []string{
			"j 00:01 fired", "j 00:02-00:04 missed (edited)", "j 00:05 fired",
		}},
		{"made to watch a folder", func(w *harness) { w.edit(time.Now(), "j", "", options{spooled: true}) }, []string{
			"j 00:01 fired", "j 00:02-00:04 missed (edited)", "j 00:05 fired",
		}},
		{"renamed", func(w *harness) { w.rename(time.Now(), "j") }, []string{
			"j 00:01 fired", "j 00:02 fired", "j 00:03 fired", "j 00:04 fired", "j 00:05 fired",
		}},
		{"deleted", func(w *harness) { w.remove(time.Now(), "j") }, []string{"j 00:01 fired", "j 00:05 fired"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				w.create(time.Now(), "j", "* * * * *", options{CatchUp: "all"})
				e, s, _ := standing(w)
				w.until(0, 1)
				persist(t, e)
				w.until(0, 5, 30*time.Second)
				persist(t, e)
				c.change(w)
				workOff(t, s)
				w.check(c.want...)
				if len(w.later) != 0 {
					t.Errorf("left: %v", w.later)
				}
			})
		})
	}
}

// standing makes an engine and a drainer that only do what a test tells them to.
func standing(w *harness) (*engine, *drainer, *loop) {
	jobs := newIndex(time.UTC, quiet(w.t))
	w.attach(jobs)
	l := newLoop(replica(w.t, w.memory, w.journal, jobs, w.time))
	return l.engine, newDrainer(w.memory, l), l
}

// workOff steps until nothing is owed, one trigger at a time.
func workOff(t *testing.T, d *drainer) {
	t.Helper()
	for {
		if err := d.load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d.owed.Len() == 0 {
			return
		}
		if err := d.step(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
}

// Two outages before the first is worked off, and what gets older than the window.
func TestBacklogGrowsAndAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "j", "0 * * * *", options{CatchUp: "all"})
		e, s, _ := standing(w)
		persist(t, e)
		for _, hour := range []int{4, 8} {
			w.until(hour, 30)
			persist(t, e)
		}
		w.until(26, 30) // 01:00 and 02:00 are beyond the window now
		workOff(t, s)
		persist(t, e)
		w.check(
			"j 01:00-02:00 missed (beyond the catch-up window)", "j 03:00 fired", "j 04:00 fired",
			"j 05:00 fired", "j 06:00 fired", "j 07:00 fired", "j 08:00 fired", "j 26:00 fired",
		)
	})
}

// Whichever commit of a drainer fails, and in whichever way: nothing is doubled or
// lost by the one that comes next.
func TestSpacerDies(t *testing.T) {
	for what, name := range fates {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				w, h := newHarness(t), &testClock{}
				h.set(at(0, 1))
				for k := range 3 {
					w.create(at(0, 0), fmt.Sprint("job-", k), "* * * * *", options{CatchUp: "all"})
				}
				e, s, l := standing(w)
				e.now, s.now, s.batch = h.now, h.now, 7
				persist(t, e)
				h.set(at(0, 8))
				persist(t, e)
				commits, came := 0, false
				w.meddle = func(int) fate {
					if commits++; commits == n {
						came = true
						return what
					}
					return stored
				}
				for tries := 0; ; tries++ {
					err := s.load(t.Context())
					if err == nil && s.owed.Len() == 0 {
						break
					}
					for err == nil && s.owed.Len() > 0 {
						err = s.step(t.Context(), 2)
					}
					if err != nil { // another takes its place, and the clock has gone on
						s = newDrainer(w.memory, l)
						s.batch = 7
						h.set(h.now().Add(time.Minute))
						persist(t, e)
					}
				}
				fired, passed := w.all(t)
				audit(t, w.history, fired, passed, w.memory, h.now())
				if len(passed) > 0 {
					t.Errorf("verdicts: %v", passed)
				}
				if !came {
					if n < 10 {
						t.Errorf("only %d commits were made", n)
					}
					return
				}
			}
		})
	}
}

// On the real store: a backlog in batches of the real size, raced for.
func TestBacklogsOnJetStream(t *testing.T) {
	bus, d, h, leave := onJetStream(t, 60)
	h.set(at(1, 0, time.Second))
	l, away := join(t, bus, h, jet.MaxBatch-1)
	defer away()
	l.catchUp(t.Context())
	d.disable(h.now(), "job-07")
	d.remove(h.now(), "job-08")
	spacers := []*drainer{newDrainer(bus, l), newDrainer(bus, l)}
	for conflicts := 0; ; {
		var left int
		for _, s := range spacers {
			err := s.load(t.Context())
			for range 2 { // the second on what it knows of its first only
				if err == nil {
					err = s.step(t.Context(), 400)
				}
			}
			if jet.IsConflict(err) {
				conflicts++
			} else if err != nil {
				t.Fatal(err)
			}
			left += s.owed.Len()
		}
		if left == 0 {
			break
		}
	}
	if err := spacers[0].load(t.Context()); err != nil {
		t.Fatal(err)
	}
	leave()
	if left := contents(t, bus.BacklogEntries()); len(left) > 0 {
		t.Errorf("%d messages of backlogs are left", len(left))
	}
	fired, passed := stream{bus}.all(t)
	// Of a deleted job no history is left to judge it by.
	fired = slices.DeleteFunc(fired, func(f events.Trigger) bool { return f.JobID == "job-08" })
	audit(t, recorded(t, bus), fired, passed, bus, h.now())
}
