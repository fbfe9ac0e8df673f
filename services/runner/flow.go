package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long flows may take to stop when they are asked to.
const grace = 3 * time.Second

// flow is a process of ours and the group that it leads.
type flow struct {
	pid     int
	began   string   // its start time, as the kernel spells it
	marks   []string // in the environment of all that descends from it
	cmd     *exec.Cmd
	gate    *os.File      // a command and `true` open it, its end discards the flow
	output  *os.File      // what the flow prints
	drained chan struct{} // closed when all of that is read; nil before anybody reads
	exited  chan struct{} // closed when the process is reaped and its group is gone
	state   *os.ProcessState
}

// newGate starts a process that waits for its command within bounds.
func newGate(b bounds) (*flow, error) {
	self, err := executable()
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	output, prints, err := os.Pipe()
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	defer prints.Close()
	f := &flow{gate: ours, output: output, exited: make(chan struct{}), cmd: &exec.Cmd{
		Path: self, Args: []string{gateName}, Env: []string{}, Dir: "/",
		Stdout: prints, Stderr: prints, ExtraFiles: []*os.File{theirs}, SysProcAttr: ownGroup(),
	}}
	if err := f.cmd.Start(); err != nil {
		_, _ = ours.Close(), output.Close()
		return nil, err
	}
	f.pid = f.cmd.Process.Pid
	go f.reap()
	p, found, err := lookup(f.pid)
	if err != nil || !found {
		f.discard()
		return nil, fmt.Errorf("the process %d is not in the process table: %w", f.pid, err)
	}
	f.began = p.start
	if err := json.NewEncoder(f.gate).Encode(b); err != nil {
		f.discard()
		return nil, fmt.Errorf("the process %d at its gate: %w", f.pid, err)
	}
	return f, nil
}

// load gives the process its command and reads what it prints from now on. The
// process is ready for its gate to be opened soon after.
func (f *flow) load(c command, marks []string, to io.Writer) error {
	f.marks = marks
	f.drained = make(chan struct{})
	go func() {
		defer close(f.drained)
		_, _ = io.Copy(to, f.output) // what to does not want it takes all the same
	}()
	if err := json.NewEncoder(f.gate).Encode(c); err != nil {
		return fmt.Errorf("the process %d at its gate: %w", f.pid, err)
	}
	return nil
}

// open lets the flow begin. When the process is gone already, its exit says so.
func (f *flow) open() {
	_, _ = f.gate.WriteString("true\n")
	_ = f.gate.Close()
}

// discard ends a flow that has not begun.
func (f *flow) discard() {
	_ = f.gate.Close()
	f.signal(syscall.SIGKILL)
	<-f.exited
	f.gather()
}

// wait waits for the end of the flow and of all that is known to descend from
// it, and reports false when it had to be stopped because ctx ended first.
func (f *flow) wait(ctx context.Context) bool {
	defer f.gather()
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
	_ = awaitGone(context.Background(), f.pid)
}

// gather ends what has left the group, and takes in the last of the output. The
// output has an end when nobody is left who could print; who hides from us does
// not hold us.
func (f *flow) gather() {
	if f.marks != nil {
		killStrays(f.pid, f.marks)
	}
	if f.drained != nil {
		_ = f.output.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		<-f.drained
	}
	_ = f.output.Close()
}
