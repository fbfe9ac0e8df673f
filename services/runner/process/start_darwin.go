package process

import (
	"context"
	"syscall"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/reaper"
)

// Guarded says that flows have guards.
const Guarded = false

// launch starts the process that becomes the flow.
func (s *starting) launch(p Program, _ cell.Form) error {
	var err error
	if s.proc, err = s.exec(p, []string{cell.Name, cell.Warm}, ownGroup()); err != nil {
		return err
	}
	s.PID = s.proc.Pid
	go s.reapGroup()
	return nil
}

// reapGroup waits for a flow, kills what it leaves of its group and waits until that
// is gone.
func (f *Flow) reapGroup() {
	defer close(f.gone)
	defer close(f.exited)
	if state, err := f.proc.Wait(); err == nil {
		status, _ := state.Sys().(syscall.WaitStatus)
		f.State = Outcome{status}
	}
	_ = reaper.SignalGroup(f.PID, syscall.SIGKILL) // nobody is left to hear it, or it is heard
	// Whom SIGKILL does not end hangs in a device that is gone; no more can be done.
	_ = reaper.AwaitGone(context.Background(), f.PID)
}
