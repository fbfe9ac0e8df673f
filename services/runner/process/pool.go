package process

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"spool.internal/events/wait"
	"spool.internal/services/runner/cell"
)

// refillDelay is how long the pool waits with the next process after one was taken, while
// another is ready: starting it would slow down the flow that begins at this moment.
const refillDelay = 10 * time.Millisecond

// firstDelay is how long the pool waits with its first process for a run that asks for one: starting it would slow
// down the rest of a start.
const firstDelay = 100 * time.Millisecond

// Pool keeps warm processes, so that a run need not wait for one to start: one ready to be
// taken, and one more behind it. Its methods are safe for concurrent use.
type Pool struct {
	from Program
	room func() (room cell.Room, strict bool) // of a flow that begins now
	log  *slog.Logger

	ready     chan *Flow
	wanted    wait.Wake      // no process is ready, and a run asks for one
	flows     sync.WaitGroup // whose processes have not ended
	mounts    atomic.Uint64  // how often something was mounted or unmounted
	remounted wait.Wake      // something was
}

// NewPool makes a pool of processes that are started from a program, each in the room that
// flows have when it is started.
func NewPool(from Program, room func() (room cell.Room, strict bool), log *slog.Logger) *Pool {
	return &Pool{from: from, room: room, log: log, ready: make(chan *Flow, 1), wanted: wait.NewWake(), remounted: wait.NewWake()}
}

// Keep keeps the pool filled until ctx ends, and then discards what is in it. A process that
// cannot be started is tried again every second.
func (p *Pool) Keep(ctx context.Context) {
	select {
	case <-time.After(firstDelay):
	case <-p.wanted:
	case <-ctx.Done():
	}
	for logged := false; ctx.Err() == nil; {
		mounts := p.mounts.Load()
		room, strict := p.room()
		f, err := newWhole(p.from, room)
		if err != nil {
			if !logged {
				p.log.Warn("no process can be started for the next flow; it is tried until one can", "error", err.Error())
			}
			logged = true
			_ = wait.Sleep(ctx, time.Second)
			continue
		}
		logged = false
		p.adopt(f)
		f.mounts, f.strict = mounts, strict
		select {
		case <-p.remounted:
			f.Discard()
			p.drain()
		case p.ready <- f:
			select {
			case <-time.After(refillDelay):
			case <-p.wanted:
			case <-ctx.Done():
			}
		case <-ctx.Done():
			f.Discard()
		}
	}
	p.drain()
}

// drain discards the processes that are ready.
func (p *Pool) drain() {
	for {
		select {
		case f := <-p.ready:
			f.Discard()
		default:
			return
		}
	}
}

// WatchMounts has processes started anew when something is mounted or unmounted on this host:
// those that are ready have the old mounts, and keep an unmounted one in use. It returns when
// ctx ends.
func (p *Pool) WatchMounts(ctx context.Context) {
	watchMounts(ctx, func() {
		p.mounts.Add(1)
		if p.from.Shared != nil {
			p.from.Shared.Forget() // it too
		}
		p.remounted.Set()
	})
}

// Changes counts how often something was mounted or unmounted since [Pool.WatchMounts] began.
func (p *Pool) Changes() uint64 { return p.mounts.Load() }

// newWhole starts a warm process that has put up all of a room.
func newWhole(from Program, room cell.Room) (*Flow, error) {
	f, err := Start(from, room)
	if err == nil && room.Form.View && !f.Met.View {
		f.Discard()
		return nil, fmt.Errorf("a root of its own cannot be mounted any more: %s", f.Met.Lacks)
	}
	return f, err
}

// Take gives a warm process. It blocks until one is ready, and fails only when ctx ends.
func (p *Pool) Take(ctx context.Context) (*Flow, error) {
	for {
		p.want()
		select {
		case f := <-p.ready:
			p.want()
			select {
			case <-f.exited: // it was killed while it waited
			default:
				_, strict := p.room()
				if f.mounts == p.mounts.Load() && f.strict == strict { // else the host or the room has changed since
					return f, nil
				}
			}
			f.Discard()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// want skips the refillDelay when no process is ready.
func (p *Pool) want() {
	if len(p.ready) == 0 {
		p.wanted.Set()
	}
}

// Start starts a process for one flow in a room of its own.
func (p *Pool) Start(from Program, room cell.Room) (*Flow, error) {
	f, err := newWhole(from, room)
	if err == nil {
		p.adopt(f)
	}
	return f, err
}

// adopt has Wait wait for a flow.
func (p *Pool) adopt(f *Flow) { p.flows.Go(func() { <-f.gone }) }

// Wait blocks until every process that the pool has started is gone.
func (p *Pool) Wait() { p.flows.Wait() }
