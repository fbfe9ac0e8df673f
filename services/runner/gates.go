package runner

import (
	"context"
	"fmt"
	"time"

	"spool.internal/services/daemon"
	"spool.internal/services/runner/cell"
)

// lull is how long the next process is not started after one was taken, while
// another waits: starting it would slow down the flow that begins at this moment.
const lull = 10 * time.Millisecond

// keepGates keeps two processes waiting at their gates, so that a run need not
// wait for one to start. When ctx ends, those that wait are discarded.
func (r *Runner) keepGates(ctx context.Context) {
	for said := false; ctx.Err() == nil; {
		table := r.mounts.Load()
		room, strict := r.roomNow()
		f, err := wholeGate(r.program, room)
		if err != nil {
			if !said {
				r.log.Warn("no process can be started for the next flow; it is tried until one can", "error", err.Error())
			}
			said = true
			daemon.Pause(ctx, time.Second)
			continue
		}
		said = false
		r.guards.Go(func() { <-f.gone })
		f.mounts, f.strict = table, strict
		select {
		case <-r.remounted:
			f.discard()
			r.discardGates()
		case r.gates <- f:
			select {
			case <-time.After(lull):
			case <-r.wanted:
			case <-ctx.Done():
			}
		case <-ctx.Done():
			f.discard()
		}
	}
	r.discardGates()
}

// discardGates discards the processes that wait.
func (r *Runner) discardGates() {
	for {
		select {
		case f := <-r.gates:
			f.discard()
		default:
			return
		}
	}
}

// keepMounts has gates started anew when something is mounted or unmounted: those
// that wait have the mounts of before, and keep what is unmounted in use.
func (r *Runner) keepMounts(ctx context.Context) {
	if !r.room.Form.Spaces {
		return
	}
	watchMounts(ctx, func() {
		r.mounts.Add(1)
		select {
		case r.remounted <- struct{}{}:
		default: // it is known already
		}
	})
}

// gateFor gives a process in the room of an attempt. Those that wait are for flows
// that are granted no more than files.
func (r *Runner) gateFor(ctx context.Context, a *attempt) (*flow, error) {
	room, own, err := r.roomOf(a)
	if err != nil {
		return nil, err
	}
	if own == nil {
		return r.gate(ctx)
	}
	f, err := wholeGate(*own, room)
	if err != nil {
		return nil, err
	}
	r.guards.Go(func() { <-f.gone })
	if a.reach != nil {
		if err := a.reach.hold(f); err != nil {
			f.discard()
			return nil, err
		}
	}
	return f, nil
}

// wholeGate starts a process that has put up all that the room has.
func wholeGate(p program, room cell.Room) (*flow, error) {
	f, err := newGate(p, room)
	if err == nil && room.Form.View && !f.met.View {
		f.discard()
		return nil, fmt.Errorf("a root of its own cannot be mounted any more: %s", f.met.Lacks)
	}
	return f, err
}

// gate gives a process that waits at its gate.
func (r *Runner) gate(ctx context.Context) (*flow, error) {
	for {
		r.want()
		select {
		case f := <-r.gates:
			r.want()
			select {
			case <-f.exited: // somebody has killed it while it waited
			default:
				_, strict := r.roomNow()
				if f.mounts == r.mounts.Load() && f.strict == strict { // else it was made for other times
					return f, nil
				}
			}
			f.discard()
		case <-ctx.Done():
			return nil, errStopped
		}
	}
}

// want asks for the next process without a lull when none waits.
func (r *Runner) want() {
	if len(r.gates) > 0 {
		return
	}
	select {
	case r.wanted <- struct{}{}:
	default: // it is known already
	}
}
