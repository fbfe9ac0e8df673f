//go:build linux || darwin

package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// childVariable makes the test binary a program that is a runner and nothing
// else, so that a test can kill it.
const childVariable = "RUNNER_TEST_CHILD"

// child is what that program is told.
type child struct {
	URL, Drives, Data string
	Workers           int
	MaxProcesses      int
	Shape             string // one of shapes; empty = off

	Place       string
	Shared      bool // its drives are
	Takeover    time.Duration
	Away, Fence time.Duration // of its lease
}

func TestMain(m *testing.M) {
	Shim()
	if err := Undumpable(); err != nil { // as spool does
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if spec := os.Getenv(childVariable); spec != "" {
		if err := runChild(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	eventstest.Parallel(6) // most tests wait for the broker or a flow
	os.Exit(eventstest.Main(m))
}

func runChild(spec string) error {
	var c child
	if err := json.Unmarshal([]byte(spec), &c); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx := context.Background()
	bus, err := jet.Connect(ctx, jet.Options{URL: c.URL, Name: "child", Log: log})
	if err != nil {
		return err
	}
	drives, err := drive.New(c.Drives, nil)
	if err != nil {
		return err
	}
	cfg := Config{Bus: bus, Keys: jet.NewKeyring(bus), Drives: drives, DataDir: c.Data, Workers: c.Workers, Sandbox: SandboxOff, MaxProcesses: c.MaxProcesses, Log: log}
	cfg.Place, cfg.Takeover, cfg.serves = c.Place, c.Takeover, func(events.Path) (here, shared bool) { return true, c.Shared }
	if c.Place != "" {
		cfg.times = leaseTimes{every: 200 * time.Millisecond, fence: c.Fence, away: c.Away}
	}
	if change := shapes[c.Shape]; change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		return err
	}
	return r.Run(ctx)
}
