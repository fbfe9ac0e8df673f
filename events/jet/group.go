package jet

import (
	"context"
	"fmt"
	"sync"
)

// Bounds of a group: as many messages as this go alone, side by side; of those
// that come meanwhile a batch is made once it is worth its price, which is that of
// a few dozen messages.
const (
	groupAlone = 16
	groupWorth = 64
	groupMost  = 256
	groupBytes = 4 << 20
)

// Group commits what many goroutines store in one stream, together when they are
// many: where the store syncs every commit, a batch costs one sync. A message
// stored through a group must carry a message id: after a batch whose outcome is
// unknown, or that held a message that is stored already, each is sent by itself.
type Group struct {
	bus    *Bus
	stream string

	mu       sync.Mutex
	waiting  []*member
	alone    int  // messages that are being committed by themselves
	batching bool // a batch is being committed
}

// member is one message and who waits for it.
type member struct {
	m    Message
	done chan error // of size 1
}

// NewGroup makes a group for one stream.
func (b *Bus) NewGroup(stream string) *Group { return &Group{bus: b, stream: stream} }

// Put stores a message and returns when it is stored. When ctx ends before, it
// may be stored or not.
func (g *Group) Put(ctx context.Context, m Message) error {
	e := &member{m, make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, e)
	g.next()
	g.mu.Unlock()
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	}
}

// next sends what waits, as far as it may go now; g.mu is held. What it starts
// ends with the answers that somebody waits for.
func (g *Group) next() {
	for !g.batching && len(g.waiting) > 0 {
		switch {
		case len(g.waiting) >= groupWorth:
			g.batching = true
			part := g.take()
			go g.together(part)
		case g.alone < groupAlone:
			e := g.waiting[0]
			g.waiting = g.waiting[1:]
			g.alone++
			go g.single(e)
		default:
			return
		}
	}
}

// take cuts the next batch off those who wait.
func (g *Group) take() []*member {
	n, size := 0, 0
	for n < len(g.waiting) && n < groupMost && size < groupBytes {
		size += len(g.waiting[n].m.Data)
		n++
	}
	part := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return part
}

func (g *Group) single(e *member) {
	_, err := g.bus.Commit(context.Background(), g.stream, e.m) // bounded by commitTimeout
	e.done <- err
	g.mu.Lock()
	defer g.mu.Unlock()
	g.alone--
	g.next()
}

func (g *Group) together(part []*member) {
	msgs := make([]Message, len(part))
	for i, e := range part {
		msgs[i] = e.m
	}
	_, err := g.bus.Commit(context.Background(), g.stream, msgs...)
	var wg sync.WaitGroup
	for _, e := range part {
		if err == nil {
			e.done <- nil
			continue
		}
		wg.Go(func() {
			_, err := g.bus.Commit(context.Background(), g.stream, e.m)
			e.done <- err
		})
	}
	wg.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batching = false
	g.next()
}
