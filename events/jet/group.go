package jet

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Bounds of a group: how many messages go alone, side by side, and of how many a
// batch is made. In between the prices decide, as they were lately.
const (
	aloneLeast = 16
	aloneMost  = 128
	batchLeast = 16
	batchMost  = 512
	batchWorth = 64 // while the prices are not known
	groupBytes = 4 << 20

	// A batch costs the server a store of its own, which is half of its price where it is small: so there is a rest
	// after each, as long as it took, in which the next one grows.
	restMost = 50 * time.Millisecond
)

// group commits what many goroutines store in one stream, together when that is
// cheaper: the server syncs a batch three times, whether or not it syncs each
// message. A message stored through a group must carry a message id: after a batch
// whose outcome is unknown, or that held a message that is stored already, each is
// sent by itself.
type group struct {
	bus    *Bus
	stream string

	mu       sync.Mutex
	waiting  []*member
	beside   bool // some messages are being committed by themselves, side by side
	batching bool // a batch is being committed
	resting  bool // one was, a moment ago

	alone time.Duration // what a message takes lately that goes alone, among others
	batch time.Duration // what a batch takes
}

// member is one message and who waits for it.
type member struct {
	m    message
	done chan error // of size 1
}

// newGroup makes a group for one stream.
func (b *Bus) newGroup(stream string) *group { return &group{bus: b, stream: stream} }

// put stores a message and returns when it is stored. When ctx ends before, it
// may be stored or not.
func (g *group) put(ctx context.Context, m message) error {
	recordOut(m.Subject)
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
func (g *group) next() {
	worth, most := prices(g.alone, g.batch)
	for !g.batching && len(g.waiting) > 0 {
		switch {
		case g.resting && len(g.waiting) < batchMost:
			return
		case len(g.waiting) >= worth:
			g.batching = true
			part := g.take(batchMost)
			go g.together(part)
		case !g.beside:
			g.beside = true
			part := g.take(most)
			go g.each(part)
		default:
			return
		}
	}
}

// prices tells from what messages cost lately how many take as long alone as in a
// batch, and how many may go alone at once.
func prices(each, batch time.Duration) (worth, alone int) {
	if each == 0 || batch == 0 {
		return batchWorth, aloneLeast
	}
	worth = max(batchLeast, int(batch/each))
	return worth, min(max(aloneLeast, worth), aloneMost)
}

// smooth follows what something takes.
func smooth(known *time.Duration, took time.Duration) {
	if *known == 0 {
		*known = took
	}
	*known += (took - *known) / 8
}

// take cuts the next off those who wait, so many at most.
func (g *group) take(most int) []*member {
	n, size := 0, 0
	for n < len(g.waiting) && n < most && size < groupBytes {
		size += len(g.waiting[n].m.Data)
		n++
	}
	part := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return part
}

// each commits messages by themselves, side by side.
func (g *group) each(part []*member) {
	began := time.Now()
	missing := part
	if len(part) > 1 {
		missing = g.unconfirmed(part)
	}
	took := time.Since(began)
	g.singly(missing)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.beside = false
	if len(part) >= aloneLeast/2 { // one alone mostly waits for the way
		smooth(&g.alone, took/time.Duration(len(part)))
	}
	g.next()
}

// unconfirmed sends messages all at once, and gives those of which nobody knows whether they are stored.
func (g *group) unconfirmed(part []*member) (missing []*member) {
	stored := make([]bool, len(part))
	g.bus.commitEach(context.Background(), g.stream, messagesOf(part), func(i int) {
		stored[i] = true
		part[i].done <- nil
	})
	for i, e := range part {
		if !stored[i] {
			missing = append(missing, e)
		}
	}
	return missing
}

// singly commits each message for itself, as often as that takes, and tells who waits for it.
func (g *group) singly(part []*member) {
	var wg sync.WaitGroup
	for _, e := range part {
		wg.Go(func() {
			_, err := g.bus.commit(context.Background(), g.stream, e.m) // bounded by commitPatience
			e.done <- err
		})
	}
	wg.Wait()
}

func messagesOf(part []*member) []message {
	msgs := make([]message, len(part))
	for i, e := range part {
		msgs[i] = e.m
	}
	return msgs
}

func (g *group) together(part []*member) {
	began := time.Now()
	_, err := g.bus.commit(context.Background(), g.stream, messagesOf(part)...)
	took := time.Since(began)
	if err != nil {
		g.singly(part)
	}
	for _, e := range part {
		if err == nil {
			e.done <- nil
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batching, g.resting = false, true
	smooth(&g.batch, took)
	time.AfterFunc(min(took, restMost), g.rested)
	g.next()
}

func (g *group) rested() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resting = false
	g.next()
}
