package dispatcher

import "context"

// line is where the deliveries of one queue wait for a worker. One of them at a
// time stands before the workers, who serve those that stand there in the order in
// which they came: so queues take turns, however long each is.
type line struct {
	turn  chan struct{} // of size 1
	calls chan struct{} // calls that the queue may have in flight; nil = as many as there are workers
}

func newLine(calls int) *line {
	l := &line{turn: make(chan struct{}, 1)}
	if calls > 0 {
		l.calls = make(chan struct{}, calls)
	}
	return l
}

// enter takes a worker; false says that ctx has ended.
func (l *line) enter(ctx context.Context, workers chan struct{}) bool {
	if !send(ctx, l.turn) {
		return false
	}
	defer func() { <-l.turn }()
	if l.calls != nil && !send(ctx, l.calls) {
		return false
	}
	if send(ctx, workers) {
		return true
	}
	if l.calls != nil {
		<-l.calls
	}
	return false
}

// leave gives the worker back.
func (l *line) leave(workers chan struct{}) {
	<-workers
	if l.calls != nil {
		<-l.calls
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
