package jet

import (
	"context"
	"sync"
	"time"
)

// cut ends what waits for an answer by a connection that is gone.
func (b *Bus) cut() {
	b.lineMu.Lock()
	defer b.lineMu.Unlock()
	b.snap()
	b.wire, b.snap = context.WithCancel(b.life)
}

// onWire bounds a question by a time and by the connection over which it goes: no
// answer comes over the next one.
func (b *Bus) onWire(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	b.lineMu.Lock()
	wire := b.wire
	b.lineMu.Unlock()
	limited, cancel := context.WithTimeout(ctx, most)
	stop := context.AfterFunc(wire, cancel)
	return wired{limited, ctx}, func() {
		stop()
		cancel()
	}
}

// wired is a question's context. A cut is for who asks what silence is: the answer
// may have been on its way.
type wired struct {
	context.Context
	asker context.Context
}

func (w wired) Err() error {
	err := w.Context.Err()
	if err != nil && w.asker.Err() == nil {
		return context.DeadlineExceeded
	}
	return err
}

// takenLook is how often it is looked whether a stream that has not answered yet takes
// what is written at all: one that does not never answers.
const takenLook = 500 * time.Millisecond

// whileTaken has a write given up as soon as its stream is known to take nothing, until
// stop.
func (b *Bus) whileTaken(stream string, giveUp func()) (stop func()) {
	var mu sync.Mutex
	var timer *time.Timer
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(takenLook, func() {
		if b.refuses(stream) != nil {
			giveUp()
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Reset(takenLook)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
		timer = nil
	}
}
