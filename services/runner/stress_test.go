//go:build linux || darwin

package runner

import (
	"context"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// Starting and stopping leaves nothing behind, however often and whenever: TestMain looks for
// goroutines, and the processes of flows are looked for here.
func TestStartAndStop(t *testing.T) {
	t.Parallel()
	startAndStop(t, 10)
}

func TestLongStartAndStop(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	startAndStop(t, 100)
}

func startAndStop(t *testing.T, times int) {
	t.Helper()
	h := newHarness(t, eventstest.Options{})
	// A run that was cut short is delivered to the next runner, where it ends at once.
	h.flow("flow", `[ "$SPOOL_ATTEMPT" = 1 ] || exit 0; exec `+h.lasts())
	for n := range times {
		r := h.shut(nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		switch n % 3 { // at once, when it is ready, when a flow runs
		case 1:
			h.eventually("the runner is ready", func() bool { return r.Check() == nil })
		case 2:
			id := h.accept(h.serve(r).URL, "", "flow", `{}`)
			h.until(events.Started, id)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		h.eventually("nothing of a flow is left", func() bool { return len(h.left()) == 0 })
	}
}
