package dispatcher

import "context"

// semaphore hands workers to the deliveries of one queue. One delivery of a queue at a time waits for a worker, and
// workers serve those that wait in the order in which they came: so queues take turns, however long each is.
type semaphore struct {
	workers chan struct{} // of all queues
	calls   chan struct{} // calls in flight of this queue; nil = as many as there are workers
	first   chan struct{} // of size 1: held by the delivery that waits for a worker
}

// newSemaphore limits a queue to so many calls in flight; 0 = as many as there are workers.
func newSemaphore(workers chan struct{}, calls int) *semaphore {
	s := &semaphore{workers: workers, first: make(chan struct{}, 1)}
	if calls > 0 {
		s.calls = make(chan struct{}, calls)
	}
	return s
}

// acquire takes a worker. It returns false when ctx has ended.
func (s *semaphore) acquire(ctx context.Context) bool {
	if !send(ctx, s.first) {
		return false
	}
	defer func() { <-s.first }()
	if s.calls != nil && !send(ctx, s.calls) {
		return false
	}
	if send(ctx, s.workers) {
		return true
	}
	if s.calls != nil {
		<-s.calls
	}
	return false
}

// release returns the worker.
func (s *semaphore) release() {
	<-s.workers
	if s.calls != nil {
		<-s.calls
	}
}

// send takes one slot of a channel. It returns false when ctx has ended.
func send(ctx context.Context, ch chan struct{}) bool {
	select {
	case ch <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
