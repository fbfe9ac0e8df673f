package watcher

import (
	"sync"
	"time"
)

// queue gives folders to workers in turn. One worker at a time has a folder; if it is pushed meanwhile, it comes again.
type queue struct {
	mu     sync.Mutex
	some   sync.Cond
	ready  []*folder
	closed bool
}

// queueState is where a folder stands in its queue, which guards it.
type queueState struct {
	queued, running, again bool
	timer                  *time.Timer
}

func newQueue() *queue {
	q := &queue{}
	q.some.L = &q.mu
	return q
}

// push puts a folder at the end, unless it is there already. It never blocks.
func (q *queue) push(f *folder) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(f)
}

func (q *queue) add(f *folder) {
	switch p := &f.queueState; {
	case q.closed || p.queued:
	case p.running:
		p.again = true
	default:
		p.queued = true
		q.ready = append(q.ready, f)
		q.some.Signal()
	}
}

// pop takes the first folder, or waits for one. It returns nil once the queue is closed.
func (q *queue) pop() *folder {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) == 0 && !q.closed {
		q.some.Wait()
	}
	if q.closed {
		return nil
	}
	f := q.ready[0]
	q.ready[0] = nil
	q.ready = q.ready[1:]
	f.queueState.queued, f.queueState.running, f.queueState.again = false, true, false
	return f
}

// waits reports whether a folder waits for its turn.
func (q *queue) waits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ready) > 0
}

// Long waits end together, at multiples of waitGrain, so that thousands of idle folders do not each wake a worker.
const (
	longWait  = time.Second
	waitGrain = 100 * time.Millisecond
)

// done gives a folder back, to be queued again after wait.
func (q *queue) done(f *folder, wait time.Duration) {
	if wait >= longWait {
		now := time.Now()
		wait = now.Add(wait).Truncate(waitGrain).Add(waitGrain).Sub(now)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	p := &f.queueState
	p.running = false
	switch {
	case q.closed:
	case p.again || wait <= 0:
		q.add(f)
	case p.timer == nil:
		p.timer = time.AfterFunc(wait, func() { q.push(f) })
	default:
		p.timer.Reset(wait)
	}
}

// retire gives a folder back for good. A worker that retires it is the last that has it.
func (q *queue) retire(f *folder) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f.queueState.queued = true // so that a later push does nothing
	if f.queueState.timer != nil {
		f.queueState.timer.Stop()
	}
}

// close ends every pop, now and later.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, f := range q.ready {
		f.queueState.queued = false
	}
	q.ready = nil
	q.some.Broadcast()
}
