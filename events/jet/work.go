package jet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// How long a delivery lives without a sign of its holder, and how often the
// holder gives one.
const (
	ackWait   = 10 * time.Second
	heartbeat = 3 * time.Second
)

// Queue names a durable consumer of a work queue, or of a log that is read like one.
type Queue struct {
	Stream  string
	Name    string // of the consumer; all services that share it share the work
	Filter  string
	Pending int           // deliveries that may be unsettled at once, over all holders
	Idle    time.Duration // the consumer goes when nobody pulls for so long; 0 = never
	FromNow bool          // a consumer that is made begins with what comes next, not with all that is stored
}

// Open makes the consumer of a queue, or brings it up to date.
func (b *Bus) Open(ctx context.Context, q Queue) error {
	_, err := b.consumer(ctx, q)
	return err
}

func (b *Bus) consumer(ctx context.Context, q Queue) (jetstream.Consumer, error) {
	deliver := jetstream.DeliverAllPolicy
	if q.FromNow {
		deliver = jetstream.DeliverNewPolicy
	}
	cons, err := b.js.CreateOrUpdateConsumer(ctx, q.Stream, jetstream.ConsumerConfig{
		Durable: q.Name, FilterSubject: q.Filter, AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: deliver,
		AckWait: ackWait, MaxAckPending: q.Pending, InactiveThreshold: q.Idle, MaxWaiting: 512,
	})
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", q.Name, q.Stream, err)
	}
	return cons, nil
}

// Unsettled counts the messages of a queue that nobody has settled: those that
// are in somebody's hands or wait to come again, and those that have yet to come.
func (b *Bus) Unsettled(ctx context.Context, q Queue) (out, queued int, err error) {
	cons, err := b.js.Consumer(ctx, q.Stream, q.Name)
	if err != nil {
		return 0, 0, fmt.Errorf("consumer %s of %s: %w", q.Name, q.Stream, err)
	}
	info := cons.CachedInfo()
	return info.NumAckPending, int(info.NumPending), nil
}

// Delivery is one message of a work queue in the hands of this process. It is
// kept alive until Ack, Nak or Drop settles it; only the first of them counts.
type Delivery struct {
	Stored
	Deliveries uint64 // 1 = first time, as far as the server remembers
	msg        jetstream.Msg
	claim      func() error // what the ledger needs before the message is gone; nil = nothing
	settled    func()
	once       sync.Once
}

// Ack takes the message off the queue, once the ledger has what stays of it.
func (d *Delivery) Ack() error {
	return d.settle(func() error {
		if d.claim != nil {
			if err := d.claim(); err != nil {
				return err // it comes again
			}
		}
		return d.msg.Ack()
	})
}

// Nak asks for the message again after a while.
func (d *Delivery) Nak(after time.Duration) error {
	return d.settle(func() error { return d.msg.NakWithDelay(after) })
}

// Drop takes a message off the queue that nobody can work on, saying why.
func (d *Delivery) Drop(reason string) error {
	return d.settle(func() error { return d.msg.TermWithReason(reason) })
}

// Hold gives a sign of life for a message that is kept longer than Pull's context.
func (d *Delivery) Hold() error { return d.msg.InProgress() }

func (d *Delivery) settle(f func() error) error {
	var err error
	d.once.Do(func() {
		err = f()
		d.settled()
	})
	return err
}

// Pull takes messages off a queue, at most hold of them unsettled, and calls
// each with them one after the other until ctx ends; it then hands back those
// that each has not seen. It returns an error when the consumer is gone.
func (b *Bus) Pull(ctx context.Context, q Queue, hold int, each func(*Delivery)) error {
	cons, err := b.consumer(ctx, q)
	if err != nil {
		return err
	}
	p := &puller{bus: b, cons: cons, hold: hold, held: map[*Delivery]bool{}, freed: make(chan struct{}, 1)}
	ready := make(chan *Delivery, hold)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var fetchErr error
	wg.Go(func() {
		defer close(ready)
		fetchErr = p.fetch(ctx, ready)
	})
	wg.Go(func() { p.keepAlive(ctx) })
	for d := range ready {
		if ctx.Err() != nil {
			_ = d.Nak(0) // when this fails the message comes again by itself
			continue
		}
		each(d)
	}
	cancel()
	wg.Wait()
	return fetchErr
}

// puller holds the unsettled deliveries of one Pull.
type puller struct {
	bus   *Bus
	cons  jetstream.Consumer
	hold  int
	freed chan struct{} // something was settled

	mu   sync.Mutex
	held map[*Delivery]bool
}

func (p *puller) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

// fetch asks for as many messages as there is room for, once a quarter is free:
// one by one would cost the queue a disk block a message.
func (p *puller) fetch(ctx context.Context, ready chan<- *Delivery) error {
	for ctx.Err() == nil {
		room := p.hold - p.count()
		if room == 0 || room < p.hold/4 {
			select {
			case <-p.freed:
			case <-ctx.Done():
			}
			continue
		}
		err := p.fetchOnce(ctx, room, ready)
		switch {
		case err == nil, ctx.Err() != nil:
		case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrConsumerDeleted):
			return err
		default:
			if _, err := p.cons.Info(ctx); errors.Is(err, jetstream.ErrConsumerNotFound) {
				return err
			}
			_ = sleep(ctx, 100*time.Millisecond)
		}
	}
	return nil
}

func (p *puller) fetchOnce(ctx context.Context, room int, ready chan<- *Delivery) error {
	// When ctx ends the server must know at once: what it still gave to this fetch
	// would come again only after ackWait.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	batch, err := p.cons.Fetch(room, jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(time.Second))
	if err != nil {
		return err
	}
	for msg := range batch.Messages() {
		if d := p.register(msg); d != nil {
			ready <- d // never blocks: ready holds as many as may be unsettled
		}
	}
	return batch.Error()
}

func (p *puller) register(msg jetstream.Msg) *Delivery {
	meta, err := msg.Metadata()
	if err != nil {
		return nil
	}
	d := &Delivery{
		Stored:     Stored{msg.Subject(), meta.Sequence.Stream, meta.Timestamp, msg.Headers(), msg.Data()},
		Deliveries: meta.NumDelivered, msg: msg,
	}
	if seen := msg.Headers().Get(claimHeader); seen != "" {
		d.claim = func() error { return p.bus.enterFile(context.Background(), seen) }
	}
	d.settled = func() {
		p.mu.Lock()
		delete(p.held, d)
		p.mu.Unlock()
		select {
		case p.freed <- struct{}{}:
		default:
		}
	}
	p.mu.Lock()
	p.held[d] = true
	p.mu.Unlock()
	return d
}

// keepAlive tells the server that the held deliveries are being worked on. Once
// ctx has ended their holders have until ackWait to finish.
func (p *puller) keepAlive(ctx context.Context) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.mu.Lock()
		for d := range p.held {
			_ = d.msg.InProgress() // a lost heartbeat costs at most a second delivery, which is expected
		}
		p.mu.Unlock()
	}
}
