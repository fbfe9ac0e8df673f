package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"

	"spool.internal/events/jet"
)

// Everything in this process starts, says that it is ready and stops, again and again:
// each stop ends without an error, and at the end of all tests no goroutine is left
// (eventstest.Main).
func TestStartAndStop(t *testing.T) {
	t.Parallel()
	startAndStop(t, 20)
}

func TestLongStartAndStop(t *testing.T) {
	long(t)
	t.Parallel()
	startAndStop(t, 100)
}

func startAndStop(t *testing.T, times int) {
	p := newHarness(t)
	for n := range times {
		s := &settings{}
		cmd := &cobra.Command{}
		s.declare(cmd, services...)
		args := append(p.serveArgs()[1:], "--log-level", "error", "--durability", "interval")
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ready := false
		err := serve(ctx, s, func(ctx context.Context, in *instance, _ *jet.Bus) error {
			if err := in.AwaitReady(ctx); err != nil {
				return err
			}
			ready = true
			stop()
			return nil
		})
		stop()
		if err != nil || !ready {
			t.Fatalf("start %d: ready %v, %v", n+1, ready, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(p.data, "runs", "*")); len(left) > 0 {
		t.Errorf("runs are left: %v", left)
	}
}
