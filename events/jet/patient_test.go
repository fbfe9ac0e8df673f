package jet_test

import (
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A process that starts while the store is away, or elects a leader, waits for it: each
// of what a start needs.
func TestAStartWaitsForTheStore(t *testing.T) {
	srv := eventstest.Start(t, eventstest.Options{})
	bus := eventstest.Connect(t, srv)
	srv.Shutdown()
	srv.WaitForShutdown()
	done := make(chan error, 2)
	go func() { done <- bus.Open(t.Context(), bus.Triggers(events.KindManual, "").Queue("test", 10)) }()
	go func() {
		_, err := bus.OpenSealKey(t.Context(), t.TempDir()+"/seal.key")
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("a start does not wait for the store: %v", err)
	case <-time.After(300 * time.Millisecond): // both have asked by then
	}
	srv.Restart(t)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
