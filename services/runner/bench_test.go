//go:build linux || darwin

package runner

import (
	"context"
	"io"
	"log/slog"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

// BenchmarkRun shows what one run costs beyond its process: "exec" is the floor,
// the same flow by os/exec alone; "gate" starts a warm process for it, as
// the runner does ahead of time (BenchmarkGateReady is its first half); "run" is
// everything from the call to the stored
// `ended`, in the sandbox, a run now and then, so that processes are
// warm. "without a pause" is the same when each run follows the last at once,
// and the start of the next process takes a core from it. "not private" is without a
// /proc and a /dev/shm of the flow's own, for what these cost.
func BenchmarkRun(b *testing.B) {
	b.Run("exec", func(b *testing.B) {
		h := newHarness(b, eventstest.Options{})
		h.flow("flow", "exit 0")
		for b.Loop() {
			if err := exec.Command(h.host("flow"), h.host("in"), h.host("in")).Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("gate", func(b *testing.B) {
		h := newHarness(b, eventstest.Options{})
		h.flow("flow", "exit 0")
		p := h.program()
		for b.Loop() {
			f, err := process.Start(p, cell.Room{})
			if err != nil {
				b.Fatal(err)
			}
			if err := h.load(f, io.Discard); err != nil {
				b.Fatal(err)
			}
			f.Open(patience, func() {})()
			if f.Wait(context.Background()); !f.State.Success() {
				b.Fatal(f.State)
			}
		}
	})
	for _, c := range []struct {
		name        string
		fsync, rare bool
	}{
		{"run, interval", false, true},
		{"run, fsync", true, true},
		{"run, interval, not private", false, true},
		{"run without a pause, interval", false, false},
		{"run without a pause, interval, not private", false, false},
		{"run without a pause, fsync", true, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := newHarness(b, eventstest.Options{Sync: c.fsync})
			h.flow("flow", "exit 0")
			r := h.shut(func(cfg *Config) { cfg.Log, cfg.hidden = slog.New(slog.DiscardHandler), benched(c.name) })
			url := h.serve(r).URL
			h.background(r.Run)
			ended := make(chan string, 1)
			h.background(func(ctx context.Context) error {
				return h.bus.Runs(events.Ended, "").FollowHeads(ctx, jet.Beginning, func(m jet.Entry[events.RunEvent]) { ended <- m.FlowJobID() })
			})
			n := 0
			for b.Loop() {
				if n++; c.rare {
					b.StopTimer()
					time.Sleep(50 * time.Millisecond) // until the next processes wait
					b.StartTimer()
				}
				id := h.accept(url, strconv.Itoa(n), "flow", `{}`)
				if got := <-ended; got != id {
					b.Fatalf("ended %s", got)
				}
			}
		})
	}
}
