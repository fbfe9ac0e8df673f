package runner

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

// pool keeps warm processes, so that a run need not wait for one to start: one ready to be
// taken, and one more behind it. Its methods are safe for concurrent use.
type pool struct {
	from program
	room func() (room cell.Room, strict bool) // of a flow that begins now
	log  *slog.Logger

	ready     chan *flow
	wanted    wait.Wake      // no process is ready, and a run asks for one
	flows     sync.WaitGroup // whose processes have not ended
	mounts    atomic.Uint64  // how often something was mounted or unmounted
	remounted wait.Wake      // something was
}

// newPool makes a pool of processes that are started from a program, each in the room that
// flows have when it is started.
func newPool(from program, room func() (room cell.Room, strict bool), log *slog.Logger) *pool {
	return &pool{from: from, room: room, log: log, ready: make(chan *flow, 1), wanted: wait.NewWake(), remounted: wait.NewWake()}
}

// keep keeps the pool filled until ctx ends, and then discards what is in it. A process that
// cannot be started is tried again every second.
func (p *pool) keep(ctx context.Context) {
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
			f.discard()
			p.drain()
		case p.ready <- f:
			select {
			case <-time.After(refillDelay):
			case <-p.wanted:
			case <-ctx.Done():
			}
		case <-ctx.Done():
			f.discard()
		}
	}
	p.drain()
}

// drain discards the processes that are ready.
func (p *pool) drain() {
	for {
		select {
		case f := <-p.ready:
			f.discard()
		default:
			return
		}
	}
}

// watchMounts has processes started anew when something is mounted or unmounted on this host:
// those that are ready have the old mounts, and keep an unmounted one in use. It returns when
// ctx ends.
func (p *pool) watchMounts(ctx context.Context) {
	watchMounts(ctx, func() {
		p.mounts.Add(1)
		p.remounted.Set()
	})
}

// changes counts how often something was mounted or unmounted since [pool.watchMounts] began.
func (p *pool) changes() uint64 { return p.mounts.Load() }

// newWhole starts a warm process that has put up all of a room.
func newWhole(from program, room cell.Room) (*flow, error) {
	f, err := newFlow(from, room)
	if err == nil && room.Form.View && !f.met.View {
		f.discard()
		return nil, fmt.Errorf("a root of its own cannot be mounted any more: %s", f.met.Lacks)
	}
	return f, err
}

// take gives a warm process. It blocks until one is ready, and fails only when ctx ends.
func (p *pool) take(ctx context.Context) (*flow, error) {
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
			f.discard()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// want skips the refillDelay when no process is ready.
func (p *pool) want() {
	if len(p.ready) == 0 {
		p.wanted.Set()
	}
}

// start starts a process for one flow in a room of its own.
func (p *pool) start(from program, room cell.Room) (*flow, error) {
	f, err := newWhole(from, room)
	if err == nil {
		p.adopt(f)
	}
	return f, err
}

// adopt has wait wait for a flow.
func (p *pool) adopt(f *flow) { p.flows.Go(func() { <-f.gone }) }

// wait blocks until every process that the pool has started is gone.
func (p *pool) wait() { p.flows.Wait() }
