package process

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

// grace is how long a flow may take to stop after SIGTERM.
const grace = 3 * time.Second

// Flow is the processes that package cell starts for one attempt of a run. Its methods are
// called by one goroutine.
type Flow struct {
	PID        int         // of the guard, or of the flow itself where there are no guards; when it is gone, all is
	StartTime  string      // of that process, as the kernel spells it
	Met        cell.Met    // what of its room it has put up
	State      Outcome     // how it ended; set when Wait returns
	OverMemory bool        // it was killed for using more memory than its bound; set when Wait returns
	Denied     []cell.Peer // what its guard did not connect it to; set when Wait returns

	proc    *os.Process
	control *os.File      // takes the room, the command and the word to begin; closing it discards the flow
	guard   *os.File      // takes wishes, and says news; nil where there are no guards
	output  *os.File      // what the flow prints
	marker  []string      // assignments in the environment of everything that descends from it
	memory  *cgroup.Group // nil where there is none
	mounts  uint64        // which of the host's mounts it has, as the pool counts them
	strict  bool          // it was started in a strict room
	astray  bool          // its guard was killed, so that its descendants may be left

	drained chan struct{} // closed when all output is read; nil before Load
	begun   chan struct{} // closed when its program is loaded, or never will be; nil before Open
	exited  chan struct{} // closed when nothing of the flow is left
	gone    chan struct{} // closed when the process is reaped, too
}

// readiness is how long a process may take until it waits for its command.
const readiness = 30 * time.Second

// Start starts a warm process: one that has put up a room and waits for its command.
func Start(p Program, room cell.Room) (*Flow, error) {
	f, err := spawn(p, room.Form)
	if err != nil {
		return nil, err
	}
	err = f.furnish(room, p.Shared)
	if err == nil && f.Met.Fault != "" {
		err = errors.New(f.Met.Fault)
	}
	if err != nil {
		f.Discard()
		return nil, fmt.Errorf("the warm process %d: %w", f.PID, err)
	}
	return f, nil
}

// furnish sends a process its room, of which it makes a part while the process starts, and reads
// what of it the process could put up.
func (f *Flow) furnish(room cell.Room, shared *cell.Shared) error {
	var made []*os.File
	if shared != nil && room.Form.View && !room.Form.User {
		made, _ = shared.Root(&room) // else it makes all by itself
	}
	err := cell.Send(f.control, &room, made...)
	for _, m := range made {
		_ = m.Close()
	}
	if err != nil {
		return err
	}
	p, found, lost := reaper.Lookup(f.PID)
	f.StartTime = p.Start
	if err := f.control.SetReadDeadline(time.Now().Add(readiness)); err != nil {
		return err
	}
	if _, err = cell.Receive(f.control, &f.Met); err == nil && f.Met.Fault == "" && !found {
		err = fmt.Errorf("it is not in the process table: %w", lost)
	}
	return err
}

// Load sends the process its command, with the descriptors that belong to it, and copies what
// it prints to a writer from now on. The process is ready for [Flow.Open] soon after.
func (f *Flow) Load(c cell.Command, rights []*os.File, marker []string, to io.Writer) error {
	f.marker = marker
	f.drained = make(chan struct{})
	go func() {
		defer close(f.drained)
		_, _ = io.Copy(to, f.output) // to takes everything, also what it drops
	}()
	if err := cell.Send(f.control, &c, rights...); err != nil {
		return fmt.Errorf("the warm process %d: %w", f.PID, err)
	}
	return nil
}

// Open lets the flow begin. When the process is gone already, its exit says so. late is
// called when the program is not loaded within a time; stop ends that watch.
func (f *Flow) Open(within time.Duration, late func()) (stop func()) {
	_ = cell.Send(f.control, &cell.Open{})
	f.begun = make(chan struct{})
	go func() { // ends when the process has become the flow, or is gone: settle waits for it
		defer close(f.begun)
		_ = f.control.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, f.control)
		_ = f.control.Close()
	}()
	timer := time.AfterFunc(within, func() {
		select {
		case <-f.begun:
		default:
			late()
		}
	})
	return func() { timer.Stop() }
}

// Discard kills a flow that has not begun.
func (f *Flow) Discard() {
	_ = f.control.Close()
	f.signal(syscall.SIGKILL)
	<-f.exited
	f.settle()
}

// Limit has the guard connect the flow to the peers of reach and to nothing else.
func (f *Flow) Limit(reach cell.Reach) error {
	return cell.Send(f.guard, &cell.Wish{Reach: &reach})
}

// Wait blocks until the flow and everything known to descend from it has ended. When ctx ends
// first it stops the flow, by SIGTERM and after grace by SIGKILL, and returns false.
func (f *Flow) Wait(ctx context.Context) bool {
	defer f.settle()
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

// signal asks a flow to stop (SIGTERM), or kills it (SIGKILL).
func (f *Flow) signal(sig syscall.Signal) {
	select {
	case <-f.exited:
		return
	default:
	}
	if f.guard == nil {
		_ = reaper.SignalGroup(f.PID, sig) // it fails only when no process is left
		if sig == syscall.SIGKILL {
			_ = f.proc.Kill() // it may have left its own group
		}
		return
	}
	if cell.Send(f.guard, &cell.Wish{Kill: sig == syscall.SIGKILL}) != nil && sig == syscall.SIGKILL {
		_ = f.proc.Kill() // a guard that does not read is killed: with a pid namespace that ends everything
	}
}

// reapGuard waits until a guard says that its flow has ended, of which nothing is left then,
// and for the guard's own end: that takes a while, since its namespaces end with it.
func (f *Flow) reapGuard() {
	defer close(f.gone)
	f.State = killed // unless it says otherwise
	orderly := false
	for {
		var news cell.News
		if _, err := cell.Receive(f.guard, &news); err != nil {
			break
		}
		if !orderly {
			f.Denied = append(f.Denied, news.Denied...)
		}
		if news.Ended && !orderly {
			f.State, orderly, f.OverMemory = Outcome{asStatus(news.Status)}, true, f.memory.Exceeded()
			close(f.exited)
		}
	}
	_, _ = f.proc.Wait() // its status adds nothing to what it said
	_ = f.guard.Close()
	defer f.memory.Close()
	if !orderly { // it was killed
		f.OverMemory, f.astray = f.memory.Exceeded(), true
		close(f.exited)
	}
}

// settle kills the orphans of a flow whose guard was killed, and reads the rest of its output.
// Reading ends when the last writer has exited; the deadline keeps a process that escaped from
// blocking us.
func (f *Flow) settle() {
	if f.astray && f.marker != nil {
		reaper.KillOrphans(f.PID, f.marker)
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
