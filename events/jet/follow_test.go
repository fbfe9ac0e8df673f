package jet_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// What f has written may be read as soon as Follow has returned, whenever that is.
func TestFollowIsOverWhenItReturns(t *testing.T) {
	bus := eventstest.Bus(t)
	const messages = 200
	for i := range messages {
		if err := bus.PutRunEvent(t.Context(), events.RunEvent{JobID: "job", FlowJobID: fmt.Sprint(i), Phase: events.Accepted}, 0); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		began, calls := false, 0
		go func() {
			time.Sleep(time.Duration(round) * 100 * time.Microsecond)
			cancel()
		}()
		_ = bus.Follow(ctx, jet.Follow{Stream: jet.StreamRunEvents, From: jet.Beginning}, func(jet.Stored) {
			began = true
			time.Sleep(50 * time.Microsecond)
			began = false
			calls++
		})
		if began {
			t.Fatalf("round %d: Follow has returned, and a call is under way", round)
		}
		cancel()
		if calls > messages {
			t.Errorf("round %d: %d calls for %d messages", round, calls, messages)
		}
	}
}
