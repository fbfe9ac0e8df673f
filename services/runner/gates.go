package runner

import (
	"context"
	"time"
)

// keepGates keeps processes waiting at their gates, so that a run need not wait
// for one to start. When ctx ends, those that wait are discarded.
func (r *Runner) keepGates(ctx context.Context) {
	for said := false; ctx.Err() == nil; {
		f, err := newGate()
		if err != nil {
			if !said {
				r.log.Warn("no process can be started for the next flow; it is tried until one can", "error", err.Error())
			}
			said = true
			pause(ctx, time.Second)
			continue
		}
		said = false
		select {
		case r.gates <- f:
		case <-ctx.Done():
			f.discard()
		}
	}
	for {
		select {
		case f := <-r.gates:
			f.discard()
		default:
			return
		}
	}
}

// gate gives a process that waits at its gate.
func (r *Runner) gate(ctx context.Context) (*flow, error) {
	for {
		select {
		case f := <-r.gates:
			select {
			case <-f.exited: // somebody has killed it while it waited
				f.discard()
				continue
			default:
				return f, nil
			}
		case <-ctx.Done():
			return nil, errStopped
		}
	}
}
