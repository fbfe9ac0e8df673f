package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"spool.internal/events"
)

// grace is how long flows may take to stop when they are asked to.
const grace = 3 * time.Second

// flow is a process of ours and the group that it leads.
type flow struct {
	pid    int
	began  string // its start time, as the kernel spells it
	cmd    *exec.Cmd
	gate   *os.File      // a byte opens it, its end discards the flow
	exited chan struct{} // closed when the process is reaped and its group is gone
	state  *os.ProcessState
}

// launch starts argv in dir, with its output in out, as far as its gate.
func launch(argv, env []string, dir string, out *os.File) (*flow, error) {
	self, err := executable()
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: self, Args: append([]string{gateName}, argv...), Env: env, Dir: dir,
		Stdout: out, Stderr: out, ExtraFiles: []*os.File{theirs}, SysProcAttr: ownGroup(),
	}
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, launchFault(err)
	}
	f := &flow{pid: cmd.Process.Pid, cmd: cmd, gate: ours, exited: make(chan struct{})}
	go f.reap()
	p, found, err := lookup(f.pid)
	if err != nil || !found {
		f.discard()
		return nil, fmt.Errorf("the process %d is not in the process table: %w", f.pid, err)
	}
	f.began = p.start
	return f, nil
}

// launchFault tells a host that is out of something for now from a flow that
// this host will never start.
func launchFault(err error) error {
	for _, passing := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, passing) {
			return err
		}
	}
	return events.Faultf(events.Invalid, "", "the flow cannot be started: %v", err)
}

// open lets the flow begin. When the process is gone already, its exit says so.
func (f *flow) open() {
	_, _ = f.gate.Write([]byte{1})
	_ = f.gate.Close()
}

// discard ends a flow that has not begun.
func (f *flow) discard() {
	_ = f.gate.Close()
	f.signal(syscall.SIGKILL)
	<-f.exited
}

// wait waits for the end of the flow, and reports false when it had to be
// stopped because ctx ended first.
func (f *flow) wait(ctx context.Context) bool {
	select {
	case <-f.exited:
		return true
	case <-ctx.Done():
	}
	select {
	case <-f.exited:
		return true
	default:
	}
	f.signal(syscall.SIGTERM)
	select {
	case <-f.exited:
	case <-time.After(grace):
		f.signal(syscall.SIGKILL)
		<-f.exited
	}
	return false
}

func (f *flow) signal(sig syscall.Signal) {
	select {
	case <-f.exited:
	default:
		_ = signalGroup(f.pid, sig) // nobody is left to hear it, or it is heard
		if sig == syscall.SIGKILL {
			_ = f.cmd.Process.Kill() // it may have left its own group
		}
	}
}

// reap waits for the process, kills what it leaves of its group and waits until
// that is gone. The group is killed while its leader is still a zombie, where
// the system lets us see it: as long as it is, its number names no other group.
func (f *flow) reap() {
	defer close(f.exited)
	seen := awaitZombie(f.pid)
	if seen {
		_ = signalGroup(f.pid, syscall.SIGKILL) // nobody is left to hear it, or it is heard
	}
	_ = f.cmd.Wait() // the state says more than the error
	f.state = f.cmd.ProcessState
	if !seen {
		_ = signalGroup(f.pid, syscall.SIGKILL)
	}
	// Whom SIGKILL does not end hangs in a device that is gone; no more can be done.
	_ = awaitGone(context.Background(), f.pid, time.Second)
}
