package cron

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// What is late, or missed, says when nobody answered for slots; what is on time says
// nothing of that. What was superseded names the slot that ran.
func TestDowntimeIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.create(time.Now(), "all", "*/5 * * * *", options{CatchUp: "all"})
		w.create(time.Now(), "latest", "*/5 * * * *", options{})
		w.create(time.Now(), "none", "*/5 * * * *", options{CatchUp: "none"})
		e, s, _ := standing(w)
		w.until(0, 5)
		persist(t, e)
		w.until(0, 22, 30*time.Second)
		persist(t, e)
		workOff(t, s)
		down := &events.Downtime{From: at(0, 5), To: at(0, 22, 30*time.Second)}
		fired, passed := w.memory.all(t)
		for _, f := range fired {
			want := down
			if f.Minute == events.MinuteOf(at(0, 5)) {
				want = nil
			}
			if diff := cmp.Diff(want, f.Down); diff != "" {
				t.Errorf("%s (-want +got): %s", f.ID, diff)
			}
		}
		if len(fired) != 7 || len(passed) != 2 {
			t.Fatalf("%d triggers, %d verdicts", len(fired), len(passed))
		}
		for _, v := range passed {
			ran, want := events.Minute(0), down
			if v.JobID == "latest" {
				ran, want = events.MinuteOf(at(0, 20)), nil
			}
			if diff := cmp.Diff(want, v.Down); diff != "" || v.Ran != ran {
				t.Errorf("%s: ran %d (-want +got): %s", v.JobID, v.Ran, diff)
			}
		}
	})
}
