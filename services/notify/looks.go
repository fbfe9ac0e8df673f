package notify

import (
	"context"
	"sync"
	"time"
)

// looks lets all who wait at the same time share one look. It is safe for concurrent use.
type looks struct {
	turn sync.Mutex // held by who looks

	mu    sync.Mutex
	begun int   // looks so far
	ended int   // the last that has ended
	err   error // how
}

// lookPatience is how long a look may take.
const lookPatience = 2 * time.Second

// after returns the outcome of a look that began after the call.
func (l *looks) after(ctx context.Context, look func(context.Context) (uint64, error)) error {
	l.mu.Lock()
	wanted := l.begun + 1
	l.mu.Unlock()
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	if l.ended >= wanted {
		defer l.mu.Unlock()
		return l.err
	}
	l.begun++
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	_, err := look(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended, l.err = l.begun, err
	return err
}
