package jet_test

import (
	"fmt"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// changing puts events of a job one after another, and gives the sequences.
func changing(t *testing.T, b *jet.Bus, id string, changes ...events.Change) (seqs []uint64) {
	t.Helper()
	var last uint64
	for n, change := range changes {
		ev := events.JobEvent{Event: change, Job: events.Job{ID: id, Name: fmt.Sprint("name ", n+1)}}
		var err error
		if last, err = b.PutJob(t.Context(), ev, last); err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, last)
	}
	return seqs
}

// historyIs compares the history of a job with the sequences of its events, and the first and the last of them.
func historyIs(t *testing.T, b *jet.Bus, id string, seqs []uint64, first, last string) {
	t.Helper()
	history, err := b.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(history) != len(seqs) {
		t.Fatalf("the history of %s holds %d events, want %d: %+v", id, len(history), len(seqs), history)
	}
	var before time.Time
	for i, c := range history {
		if c.Seq != seqs[i] || c.Event.Job.ID != id || c.Stored.Before(before) || c.Stored.IsZero() {
			t.Errorf("event %d of %s: sequence %d, job %s, stored %s after %s; want sequence %d",
				i, id, c.Seq, c.Event.Job.ID, c.Stored, before, seqs[i])
		}
		before = c.Stored
	}
	if len(history) == 0 {
		return
	}
	for i, want := range map[int]string{0: first, len(history) - 1: last} {
		if ev := history[i].Event; fmt.Sprintf("%s %s", ev.Event, ev.Job.Name) != want {
			t.Errorf("event %d of %s: %s %s, want %s", i, id, ev.Event, ev.Job.Name, want)
		}
	}
}

func TestHistory(t *testing.T) {
	b := eventstest.Bus(t)
	historyIs(t, b, "a", nil, "", "")

	a := changing(t, b, "a", events.JobCreated, events.JobUpdated)
	other := changing(t, b, "aa", events.JobCreated, events.JobDisabled) // between the events of a
	ev := events.JobEvent{Event: events.JobUpdated, Job: events.Job{ID: "a", Name: "name 3"}}
	seq, err := b.PutJob(t.Context(), ev, a[1])
	if err != nil {
		t.Fatal(err)
	}
	a = append(a, seq)
	historyIs(t, b, "a", a, "created name 1", "updated name 3")

	// What another version wrote is left out, and hides nothing.
	seq, err = b.Commit(t.Context(), jet.StreamJobs, jet.Message{Subject: jet.JobSubject("a"), Data: []byte("{"), Expect: &seq})
	if err != nil {
		t.Fatal(err)
	}
	historyIs(t, b, "a", a, "created name 1", "updated name 3")

	// Of a job that is deleted, nothing but that is left.
	ev.Event, ev.Job.Name = events.JobDeleted, "name 4"
	if seq, err = b.PutJob(t.Context(), ev, seq); err != nil {
		t.Fatal(err)
	}
	historyIs(t, b, "a", []uint64{seq}, "deleted name 4", "deleted name 4")
	historyIs(t, b, "aa", other, "created name 1", "disabled name 2")
}

// A job keeps its newest 64 events. There may be more jobs than that, and one that is
// changed often takes no other's place.
func TestHistoryIsBoundedAndJobsAreNot(t *testing.T) {
	b := eventstest.Bus(t)
	const jobs, kept = 100, 64
	all := map[string]uint64{}
	for n := range jobs {
		id := fmt.Sprint("job-", n)
		all[id] = changing(t, b, id, events.JobCreated)[0]
	}
	changes := make([]events.Change, 100)
	for i := range changes {
		changes[i] = events.JobUpdated
	}
	seqs := changing(t, b, "a", changes...)
	all["a"] = seqs[len(seqs)-1]
	historyIs(t, b, "a", seqs[len(seqs)-kept:], fmt.Sprint("updated name ", len(seqs)-kept+1), fmt.Sprint("updated name ", len(seqs)))
	for id, seq := range all {
		if rev, err := b.Job(t.Context(), id); err != nil || rev.Seq != seq {
			t.Errorf("job %s reads as revision %d, want %d (%v)", id, rev.Seq, seq, err)
		}
	}
}
