package dispatcher

import "context"

// semaphore is where the deliveries of one queue wait for a worker. One of them at a
// time stands before the workers, who serve those that stand there in the order in
// which they came: so queues take turns, however long each is.
type semaphore struct {
	turn  chan struct{} // of size 1
	calls chan struct{} // calls that the queue may have in flight; nil = as many as there are workers
}

func newSemaphore(calls int) *semaphore {
	s := &semaphore{turn: make(chan struct{}, 1)}
	if calls > 0 {
		s.calls = make(chan struct{}, calls)
	}
	return s
}

// acquire takes a worker; false says that ctx has ended.
func (s *semaphore) acquire(ctx context.Context, workers chan struct{}) bool {
	if !send(ctx, s.turn) {
		return false
	}
	defer func() { <-s.turn }()
	if s.calls != nil && !send(ctx, s.calls) {
		return false
	}
	if send(ctx, workers) {
		return true
	}
	if s.calls != nil {
		<-s.calls
	}
	return false
}

// release gives the worker back.
func (s *semaphore) release(workers chan struct{}) {
	<-workers
	if s.calls != nil {
		<-s.calls
	}
}

func send(ctx context.Context, ch chan struct{}) bool {
	select {
	case ch <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}
