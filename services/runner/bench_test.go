//go:build linux || darwin

package runner

import (
	"context"
	"io"
	"log/slog"
	"os/exec"
	"strconv"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// BenchmarkRun shows what one run costs beyond its process: "exec" is the floor,
// the same flow by os/exec alone; "gate" adds the gate and the process group;
// "run" is everything from the call to the stored `ended`, one run at a time.
func BenchmarkRun(b *testing.B) {
	b.Run("exec", func(b *testing.B) {
		l := newLab(b, eventstest.Options{})
		l.flow("flow", "exit 0")
		for b.Loop() {
			if err := exec.Command(l.host("flow"), l.host("in"), l.host("in")).Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("gate", func(b *testing.B) {
		l := newLab(b, eventstest.Options{})
		l.flow("flow", "exit 0")
		for b.Loop() {
			f, err := newGate()
			if err != nil {
				b.Fatal(err)
			}
			if err := f.load(command{Argv: []string{l.host("flow"), l.host("in"), l.host("in")}, Dir: l.host("in")}, nil, io.Discard); err != nil {
				b.Fatal(err)
			}
			f.open()
			if f.wait(context.Background()); !f.state.Success() {
				b.Fatal(f.state)
			}
		}
	})
	for name, sync := range map[string]bool{"run": false, "run with fsync": true} {
		b.Run(name, func(b *testing.B) {
			l := newLab(b, eventstest.Options{Sync: sync})
			l.flow("flow", "exit 0")
			r := l.runner(func(c *Config) { c.Log = slog.New(slog.DiscardHandler) })
			url := l.serve(r).URL
			l.background(r.Run)
			ended := make(chan string, 1)
			l.background(func(ctx context.Context) error {
				return l.bus.Follow(ctx, jet.Follow{
					Stream: events.StreamRunEvents, Filters: []string{events.RunsOf(events.Ended, "")}, From: jet.Beginning, Headers: true,
				}, func(m jet.Stored) { ended <- m.Subject })
			})
			n := 0
			for b.Loop() {
				n++
				id := l.accept(url, strconv.Itoa(n), "flow", `{}`)
				if got := <-ended; got != events.RunSubject(events.Ended, "job-1", id) {
					b.Fatalf("ended %s", got)
				}
			}
		})
	}
}
