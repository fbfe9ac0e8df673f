package gateway_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

// A gateway that is started and stopped leaves no goroutine behind, whether it came to
// be ready or was stopped on its way there; TestMain counts.
func TestStartStop(t *testing.T) {
	times := 100
	if testing.Short() {
		times = 12
	}
	bus := eventstest.Bus(t)
	keys := jet.NewKeyring(bus)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- keys.Run(ctx) }()
	dir := filepath.Join(t.TempDir(), "data")
	for n := range times {
		g, err := gateway.New(gateway.Config{Bus: bus, Keys: keys, DataDir: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		run, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(run) }()
		if n%4 == 0 {
			eventstest.Eventually(t, "ready", func() bool { return g.Check() == nil })
		} else {
			time.Sleep(time.Duration(n%4) * time.Millisecond) // somewhere in its start
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatalf("start %d ended with %v", n, err)
		}
		if g.Check() == nil {
			t.Fatalf("start %d is ready after its end", n)
		}
	}
	cancel()
	if err := <-done; err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}
