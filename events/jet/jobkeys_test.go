package jet_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func keyed(change events.Change, id, key string) events.JobEvent {
	return events.JobEvent{Event: change, Job: events.Job{ID: id, Username: "ann", Key: key}}
}

// A key goes with the event that gives or takes it, or not at all.
func TestJobKeys(t *testing.T) {
	b := eventstest.Connect(t, eventstest.Start(t, eventstest.Options{}))
	ctx := t.Context()
	put := func(ev events.JobEvent, expect uint64, was string) uint64 {
		t.Helper()
		seq, err := b.PutKeyedJob(ctx, ev, expect, was)
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	holder := func(key, want string) {
		t.Helper()
		if id, err := b.JobOfKey(ctx, "ann", key); err != nil || id != want {
			t.Errorf("the key %s is that of %q, %v; want %q", key, id, err, want)
		}
	}
	holder("k", "")
	a := put(keyed(events.JobCreated, "a", "k"), 0, "")
	holder("k", "a")
	if id, err := b.JobOfKey(ctx, "bob", "k"); err != nil || id != "" {
		t.Errorf("another owner's key is that of %q, %v", id, err)
	}

	// Taken: nothing is stored.
	_, err := b.PutKeyedJob(ctx, keyed(events.JobCreated, "b", "k"), 0, "")
	if taken, ok := errors.AsType[*jet.KeyTaken](err); !ok || taken.JobID != "a" {
		t.Errorf("a taken key answers %v", err)
	}
	if _, err := b.Job(ctx, "b"); events.CodeOf(err) != events.NotFound {
		t.Errorf("the job is there: %v", err)
	}

	// The change comes too late: the keys stay as they are.
	if _, err := b.PutKeyedJob(ctx, keyed(events.JobUpdated, "a", "l"), a+100, "k"); !jet.IsConflict(err) {
		t.Errorf("a late change answers %v", err)
	}
	holder("k", "a")
	holder("l", "")

	a = put(keyed(events.JobUpdated, "a", "l"), a, "k")
	holder("k", "")
	holder("l", "a")
	b2 := put(keyed(events.JobCreated, "b", "k"), 0, "")
	holder("k", "b")
	put(events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: "a", Username: "ann"}}, a, "l")
	holder("l", "")
	b2 = put(keyed(events.JobUpdated, "b", "l"), b2, "k")
	holder("l", "b")
	put(keyed(events.JobUpdated, "b", ""), b2, "l")
	holder("l", "")
}

// Of many that want one key at the same moment one gets it.
func TestOneOfManyGetsAKey(t *testing.T) {
	b := eventstest.Connect(t, eventstest.Start(t, eventstest.Options{}))
	var wg sync.WaitGroup
	var won atomic.Int32
	for i := range 32 {
		wg.Go(func() {
			_, err := b.PutKeyedJob(t.Context(), keyed(events.JobCreated, fmt.Sprintf("j%d", i), "k"), 0, "")
			_, taken := errors.AsType[*jet.KeyTaken](err)
			switch {
			case err == nil:
				won.Add(1)
			case !taken && !jet.IsConflict(err):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d jobs have the key", won.Load())
	}
	n := 0
	if err := b.EachJob(t.Context(), func(events.Job) { n++ }); err != nil || n != 1 {
		t.Errorf("%d jobs are stored, %v", n, err)
	}
}

// The store of an older Spool, whose JOBS knows no keys, is brought up to date.
func TestJobKeysInAnOlderStore(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b := eventstest.Connect(t, s)
	if err := b.MakeJobsOlder(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, err := b.PutJob(t.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: "a", Username: "ann"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context(), jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 100}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.PutKeyedJob(t.Context(), keyed(events.JobUpdated, "a", "k"), old, ""); err != nil {
		t.Error(err)
	}
	if id, err := b.JobOfKey(t.Context(), "ann", "k"); err != nil || id != "a" {
		t.Errorf("the key is that of %q, %v", id, err)
	}
}
