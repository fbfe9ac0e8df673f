package jet_test

import (
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// A queue must give up nothing: not when its reader stops in the middle, not
// when the server restarts.
func TestPullAcrossStopsAndRestarts(t *testing.T) {
	s := eventstest.Start(t, eventstest.Options{})
	b := eventstest.Connect(t, s)
	var all []events.Trigger
	for n := range 2000 {
		all = append(all, file(n))
	}
	if _, err := b.CommitFiles(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	q := jet.RawQueue(jet.StreamFiles, jet.AllFiles, jet.Queue{Name: "w", Pending: 500})
	acked := map[string]int{}
	for round := 0; len(acked) < 2000; round++ {
		ctx, cancel := contextWithCancel(t)
		n := 0
		err := b.Pull(ctx, q, 100, func(d *jet.Delivery) {
			if n++; n > 700 && round < 3 {
				cancel() // stop with deliveries in hand
				_ = d.Nak(0)
				return
			}
			if d.Ack() == nil {
				acked[d.Subject]++
			}
			if len(acked) == 2000 {
				cancel()
			}
		})
		cancel()
		if err != nil {
			t.Logf("round %d: %v", round, err)
		}
		if round == 1 {
			s.Restart(t)
			eventually(t, func() bool { return b.Check() == nil })
		}
	}
	eventually(t, func() bool {
		left, err := b.Subjects(t.Context(), jet.StreamFiles, jet.AllFiles)
		return err == nil && len(left) == 0
	})
}

// It waits 12 s, for the server's patience to end.
func TestLongHeldDeliveriesAreKeptAlive(t *testing.T) {
	t.Parallel()
	b := eventstest.Bus(t)
	if _, err := b.CommitFiles(t.Context(), []events.Trigger{file(1)}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextWithCancel(t)
	defer cancel()
	var mu sync.Mutex
	deliveries := 0
	err := b.Pull(ctx, jet.RawQueue(jet.StreamFiles, jet.AllFiles, jet.Queue{Name: "w", Pending: 500}), 4, func(d *jet.Delivery) {
		mu.Lock()
		deliveries++
		mu.Unlock()
		time.AfterFunc(12*time.Second, func() {
			_ = d.Ack()
			cancel()
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if deliveries != 1 {
		t.Errorf("a held message was delivered %d times", deliveries)
	}
}

func TestResultLookup(t *testing.T) {
	b := eventstest.Bus(t)
	before := time.Now()
	for _, id := range []string{"one", "two", "two"} {
		if err := b.PutResult(t.Context(), events.Result{JobID: "j", TriggerID: id, EndedNS: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]bool{"one": true, "two": true, "three": false} {
		if got, err := b.HasResult(t.Context(), "j", id, before); got != want || err != nil {
			t.Errorf("HasResult(%s) = %v, %v", id, got, err)
		}
	}
	n := 0
	_ = b.Since(t.Context(), jet.StreamResults, jet.ResultSubject("j"), time.Time{}, func(jet.Stored) bool { n++; return true })
	if n != 2 {
		t.Errorf("%d results are stored, want 2: the second of a trigger is the first", n)
	}
}
