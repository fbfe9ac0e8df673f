package jet_test

import (
	"maps"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// Dead letters are counted as they are, whoever stores or drops them.
func TestDeadLettersAreCounted(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b, other := eventstest.Connect(t, s), eventstest.Connect(t, s)
	want := map[string]int{}
	for n := range 24 {
		job := string(rune('a' + n%3))
		if n%4 == 3 { // one is dropped, and sometimes another stored: as many as before
			all, err := other.DeadLetters("").All(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.DropDead(t.Context(), all[0].Seq); err != nil {
				t.Fatal(err)
			}
			if of := all[0].Trigger.JobID; want[of] == 1 {
				delete(want, of)
			} else {
				want[of]--
			}
		}
		if n%8 != 3 {
			trigger := events.Trigger{ID: events.CronTriggerID(job, events.Minute(n)), JobID: job, At: time.Now()}
			if err := other.PutDead(t.Context(), trigger, events.Result{JobID: job, TriggerID: trigger.ID, TriggeredAt: trigger.At, Attempts: n}); err != nil {
				t.Fatal(err)
			}
			want[job]++
		}
		for range 2 {
			if got, err := b.DeadByJob(t.Context()); err != nil || !maps.Equal(got, want) {
				t.Fatalf("%d: %v, want %v, %v", n, got, want, err)
			}
		}
	}
}
