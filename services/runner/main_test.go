//go:build linux || darwin

package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"spool.internal/events/drive"
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
	code := m.Run()
	if leaked := leaks(); code == 0 && leaked != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", leaked)
		code = 1
	}
	os.Exit(code)
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
	if change := shapes[c.Shape]; change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		return err
	}
	return r.Run(ctx)
}

// leaks gives the goroutines of this package that are left, once those that are
// about to end have ended.
func leaks() string {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		var left []string
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "services/runner.") && !strings.Contains(g, "TestMain") {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return strings.Join(left, "\n\n")
		}
	}
}
