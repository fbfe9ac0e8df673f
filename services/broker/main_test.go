package broker

import (
	"context"
	"os"
	"testing"

	"spool.internal/events/eventstest"
)

func TestMain(m *testing.M) {
	eventstest.Parallel(6) // most tests wait for the server
	os.Exit(eventstest.Main(m))
}

// Starting and stopping leaves nothing behind, however often: TestMain looks for goroutines.
func TestStartAndStop(t *testing.T) {
	t.Parallel()
	startAndStop(t, 5)
}

func TestLongStartAndStop(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	startAndStop(t, 100)
}

func startAndStop(t *testing.T, times int) {
	t.Helper()
	dir := t.TempDir()
	for range times {
		b, err := Start(t.Context(), Config{DataDir: dir, Durability: Interval, MaxStore: 1 << 30, ResultsPerJob: 1000, Log: eventstest.Log(t)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Keep(ctx) }()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
