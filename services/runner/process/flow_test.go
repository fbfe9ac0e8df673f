//go:build linux || darwin

package process

import (
	"syscall"
	"testing"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/reaper"
)

// A warm process ends with its runner, and when it is discarded, and its flow has not run.
func TestAWarmProcessEndsWithItsRunner(t *testing.T) {
	h := newHarness(t, `touch "$1/ran"`)
	p, err := New(h.data)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f, err := Start(p, cell.Room{})
	if err != nil {
		t.Fatal(err)
	}
	h.load(f)
	if p, found, err := reaper.Lookup(f.PID); err != nil || !found || p.Group != f.PID || p.Start != f.StartTime {
		t.Errorf("the warm process: %+v, %v", p, err)
	}
	if err := f.control.Close(); err != nil { // as the kernel does for a dead runner
		t.Fatal(err)
	}
	<-f.exited
	<-f.gone
	if f.State.Success() || h.exists("ran") {
		t.Errorf("%v, and the flow ran: %v", f.State, h.exists("ran"))
	}
	if err := reaper.SignalGroup(f.PID, 0); err != syscall.ESRCH {
		t.Errorf("the group after its end: %v", err)
	}
}
