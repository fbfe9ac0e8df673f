//go:build linux

package runner

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"spool.internal/events/eventstest"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

// BenchmarkGateReady is the time from the exec of the small program until a warm process
// waits for its command. "floor" is the start of one that says a byte; "ready" is without bounds,
// "ready, shut in" with all that this kernel grants. cpu-ms is what each has the processors do,
// its end included.
func BenchmarkGateReady(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		program := staticProgram(b)
		timed(b, func() func() {
			says, said, err := os.Pipe()
			if err != nil {
				b.Fatal(err)
			}
			cmd := exec.Command(program)
			cmd.Env, cmd.Stdout = cell.Environment, said
			err = errors.Join(cmd.Start(), said.Close())
			if _, fault := says.Read(make([]byte, 1)); fault != nil || err != nil {
				b.Fatal(err, fault)
			}
			return func() { _ = errors.Join(cmd.Wait(), says.Close()) }
		})
	})
	for _, bounds := range []string{"ready", "ready, shut in", "ready, shut in, not private"} {
		b.Run(bounds, func(b *testing.B) {
			h := newHarness(b, eventstest.Options{})
			r := h.shut(func(c *Config) { c.Log, c.hidden = slog.New(slog.DiscardHandler), benched(bounds) })
			room := r.room
			if bounds == "ready" {
				room = cell.Room{}
			}
			timed(b, func() func() {
				f, err := process.Start(r.program, room)
				if err != nil {
					b.Fatal(err)
				}
				return f.Discard
			})
		})
	}
}

// timed reports how long the starts of something take; end ends it.
func timed(b *testing.B, start func() (end func())) {
	var took []time.Duration
	before := childrensTime(b)
	for b.Loop() {
		began := time.Now()
		end := start()
		took = append(took, time.Since(began))
		b.StopTimer()
		end()
		b.StartTimer()
	}
	time.Sleep(10 * time.Millisecond) // until the last is reaped, too
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*9/10].Microseconds())/1000, "ms-p90")
	b.ReportMetric(float64((childrensTime(b)-before).Microseconds())/1000/float64(len(took)), "cpu-ms/op")
	b.ReportMetric(0, "ns/op")
}

// childrensTime is what the processors have done for processes that have been reaped.
func childrensTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// staticProgram builds a program that says one byte.
func staticProgram(b *testing.B) string {
	dir := b.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	text := "package main\n\nimport \"syscall\"\n\nfunc main() { _, _ = syscall.Write(1, []byte{'x'}) }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return program
}
