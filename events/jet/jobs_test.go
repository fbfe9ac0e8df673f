package jet_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 30*time.Second)
}

// eventually waits for something that another goroutine or server brings about.
func eventually(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatal("did not come about within 30 s")
}

func TestJobFeed(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b := eventstest.Connect(t, s)
	put := func(change events.Change, id string, expect uint64) uint64 {
		t.Helper()
		seq, err := b.PutJob(t.Context(), events.JobEvent{Event: change, Job: events.Job{ID: id}}, expect)
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	a := put(events.JobCreated, "a", 0)
	put(events.JobCreated, "b", 0)
	a = put(events.JobDisabled, "a", a)

	var mu sync.Mutex
	jobs := map[string]events.Change{}
	feed := jet.NewJobFeed(b, func(r events.JobRevision) {
		mu.Lock()
		defer mu.Unlock()
		jobs[r.Event.Job.ID] = r.Event.Event
	})
	ctx, cancel := contextWithCancel(t)
	var wg sync.WaitGroup
	wg.Go(func() { _ = feed.Run(ctx) })
	defer func() { cancel(); wg.Wait() }()

	check := func(want map[string]events.Change) {
		t.Helper()
		if _, err := feed.Barrier(ctx); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for id, change := range want {
			if jobs[id] != change {
				t.Errorf("job %s: %q, want %q", id, jobs[id], change)
			}
		}
	}
	check(map[string]events.Change{"a": events.JobDisabled, "b": events.JobCreated})

	put(events.JobDeleted, "a", a)
	check(map[string]events.Change{"a": events.JobDeleted})
	if _, err := b.Job(ctx, "a"); events.CodeOf(err) != events.NotFound {
		t.Errorf("a deleted job reads as %v", err)
	}
	if _, err := b.Job(ctx, "b"); err != nil {
		t.Error(err)
	}

	s.Restart(t)
	eventually(t, func() bool { return b.Check() == nil })
	put(events.JobCreated, "c", 0)
	check(map[string]events.Change{"c": events.JobCreated})
}

// The barrier includes what anybody has stored, whatever else is stored in the stream behind it.
func TestBarrier(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b, other := eventstest.Connect(t, s), eventstest.Connect(t, s)
	var mu sync.Mutex
	got := map[string]uint64{}
	feed := jet.NewJobFeed(b, func(r events.JobRevision) {
		mu.Lock()
		defer mu.Unlock()
		got[r.Event.Job.ID] = r.Seq
	})
	ctx, cancel := contextWithCancel(t)
	var wg sync.WaitGroup
	wg.Go(func() { _ = feed.Run(ctx) })
	defer func() { cancel(); wg.Wait() }()
	var probe uint64
	behind := func(n int) (err error) { // what is stored behind a change
		switch n % 4 {
		case 0, 1:
			probe, err = other.Commit(ctx, "JOBS", jet.Message{Subject: jet.ProbeSubject("JOBS"), Data: []byte("{}")})
		case 2:
			err = other.Purge(ctx, "JOBS", jet.ProbeSubject("JOBS"), 0) // the stream's last message is gone
		}
		return err
	}
	for n := range 40 {
		id := string(rune('a' + n%7))
		expect := got[id]
		seq, err := other.PutJob(ctx, events.JobEvent{Event: events.JobUpdated, Job: events.Job{ID: id}}, expect)
		if err == nil {
			err = behind(n)
		}
		if err != nil {
			t.Fatal(err)
		}
		var asking sync.WaitGroup
		for range 5 {
			asking.Go(func() {
				reached, err := feed.Barrier(ctx)
				mu.Lock()
				defer mu.Unlock()
				if err != nil || reached < seq || got[id] != seq {
					t.Errorf("change %d at %d (probe %d): the cache has %d, reached %d, %v", n, seq, probe, got[id], reached, err)
				}
			})
		}
		asking.Wait()
	}
}
