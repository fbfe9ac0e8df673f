package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/cgroup"
	"spool.internal/services/runner/reaper"
)

// grace is how long flows may take to stop when they are asked to.
const grace = 3 * time.Second

// flow is what runs for an attempt: the processes that package cell starts.
type flow struct {
	pid     int      // of the guard, or of the flow itself where there are no guards; when it is gone, all is
	began   string   // its start time, as the kernel spells it
	marker  []string // assignments in the environment of everything that descends from it
	proc    *os.Process
	gate    *os.File      // room, command and word go here; its end discards the flow
	guard   *os.File      // wishes go here, news come; nil where there are no guards
	mounts  uint64        // which of the host's it knows
	met     cell.Met      // what the gate has put up
	strict  bool          // see [Runner.roomNow]
	output  *os.File      // what the flow prints
	drained chan struct{} // closed when all of that is read; nil before anybody reads
	begun   chan struct{} // closed when its program is loaded, or will not be; nil before its gate is opened
	exited  chan struct{} // closed when nothing of the flow is left
	gone    chan struct{} // closed when the process is reaped, too
	state   outcome
	memory  *cgroup.Group // nil where there is none
	astray  bool          // nobody has seen to its descendants
	over    bool          // it was over its bound of memory
	heard   *heard        // what the kernel says was denied to it; nil: it says nothing
	denied  []cell.Peer   // what it was not connected to; written until exited is closed
}

// readiness is how long a process may take to get ready for its command.
const readiness = 30 * time.Second

// newGate starts a process that waits for its command in a room.
func newGate(p program, room cell.Room) (*flow, error) {
	f, err := start(p, room.Form)
	if err != nil {
		return nil, err
	}
	err = f.furnish(room)
	if err == nil && f.met.Fault != "" {
		err = errors.New(f.met.Fault)
	}
	if err != nil {
		f.discard()
		return nil, fmt.Errorf("the process %d at its gate: %w", f.pid, err)
	}
	return f, nil
}

// furnish tells a gate what all flows have in common, and hears what of it there is.
func (f *flow) furnish(room cell.Room) error {
	if err := cell.Send(f.gate, &room); err != nil {
		return err
	}
	if err := f.gate.SetReadDeadline(time.Now().Add(readiness)); err != nil {
		return err
	}
	if _, err := cell.Receive(f.gate, &f.met); err != nil {
		return err
	}
	p, found, err := reaper.Lookup(f.pid)
	if err != nil || !found {
		return fmt.Errorf("it is not in the process table: %w", err)
	}
	f.began = p.Start
	return nil
}

// load gives the process its command, with the descriptors that belong to it, and
// reads what it prints from now on. The process is ready for its gate to be opened
// soon after.
func (f *flow) load(c cell.Command, rights []*os.File, marker []string, to io.Writer) error {
	f.marker = marker
	f.drained = make(chan struct{})
	go func() {
		defer close(f.drained)
		_, _ = io.Copy(to, f.output) // what to does not want it takes all the same
	}()
	if err := cell.Send(f.gate, &c, rights...); err != nil {
		return fmt.Errorf("the process %d at its gate: %w", f.pid, err)
	}
	return nil
}

// open lets the flow begin. When the process is gone already, its exit says so.
func (f *flow) open() {
	_ = cell.Send(f.gate, &cell.Open{})
	f.begun = make(chan struct{})
	go func() { // ends when the gate has become the flow, or is gone: gather waits for it
		defer close(f.begun)
		_ = f.gate.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, f.gate)
		_ = f.gate.Close()
	}()
}

// discard ends a flow that has not begun.
func (f *flow) discard() {
	_ = f.gate.Close()
	f.signal(syscall.SIGKILL)
	<-f.exited
	f.gather()
}

// hold has the guard connect the flow to these and to nothing else.
func (f *flow) hold(reach cell.Reach) error {
	return cell.Send(f.guard, &cell.Wish{Reach: &reach})
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

// signal asks a flow to stop, or ends it.
func (f *flow) signal(sig syscall.Signal) {
	select {
	case <-f.exited:
		return
	default:
	}
	if f.guard == nil {
		_ = reaper.SignalGroup(f.pid, sig) // nobody is left to hear it, or it is heard
		if sig == syscall.SIGKILL {
			_ = f.proc.Kill() // it may have left its own group
		}
		return
	}
	if cell.Send(f.guard, &cell.Wish{Kill: sig == syscall.SIGKILL}) != nil && sig == syscall.SIGKILL {
		_ = f.proc.Kill() // who does not listen goes too; with a pid namespace that ends all
	}
}

// reapGuard waits for what a guard says of its flow, of which nothing is left then,
// and for its own end. That takes a while, since its namespaces end with it, and
// nobody else waits for it.
func (f *flow) reapGuard() {
	defer close(f.gone)
	f.state = killed // unless it says otherwise
	orderly := false
	for {
		var news cell.News
		if _, err := cell.Receive(f.guard, &news); err != nil {
			break
		}
		if !orderly {
			f.denied = append(f.denied, news.Denied...)
		}
		if news.Ended && !orderly {
			f.state, orderly, f.over = outcome{asStatus(news.Status)}, true, f.memory.Exceeded()
			close(f.exited)
		}
	}
	_, _ = f.proc.Wait() // it has said all that it knows
	_ = f.guard.Close()
	defer f.memory.Close()
	if !orderly { // somebody has killed it
		f.over, f.astray = f.memory.Exceeded(), true
		close(f.exited)
	}
}

// gather ends what nobody has seen to, and takes in the last of the output. That
// has an end when nobody is left who could print; who hides from us does not hold us.
func (f *flow) gather() {
	if f.astray && f.marker != nil {
		reaper.KillOrphans(f.pid, f.marker)
	}
	if f.begun != nil {
		<-f.begun
	}
	if f.drained != nil {
		_ = f.output.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		<-f.drained
	}
	_ = f.output.Close()
}
