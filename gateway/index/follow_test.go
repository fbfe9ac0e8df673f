package index

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// The newest result can be purged, with its job, before it is read: whoever waits for it
// does not wait for ever.
func TestWhatIsPurgedIsNotAwaited(t *testing.T) {
	bus := eventstest.Bus(t)
	jobs := []string{uuid.NewString(), uuid.NewString()}
	for _, job := range jobs {
		if err := bus.PutResult(t.Context(), events.Result{TriggerID: uuid.NewString(), JobID: job, Status: events.OK}); err != nil {
			t.Fatal(err)
		}
	}
	x := New(bus, time.UTC, func(string, events.Status) {})
	h := newHistory(10, began)
	h.results = 1 // it has read the first
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	came := make(chan error, 1)
	go func() { came <- x.reached(ctx, h) }()
	select {
	case err := <-came:
		t.Fatalf("it came to a result that it has not read: %v", err)
	case <-time.After(500 * time.Millisecond): // by now it waits for the second
	}
	if err := bus.Results(jobs[1]).Clear(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-came; err != nil {
		t.Error(err)
	}
}
