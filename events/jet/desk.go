package jet

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/wait"
)

// desk tracks the messages of one queue that were delivered to this process,
// whichever Pull fetched them. Each gets heartbeats until it is returned or the
// server has confirmed its end, however far the server has fallen behind; what
// the server delivers a second time meanwhile stays here.
type desk struct {
	bus   *Bus
	freed wait.Wake // something was settled

	mu      sync.Mutex
	queue   Queue
	cons    jetstream.Consumer
	made    time.Time            // when the consumer was
	pulls   int                  // that fetch for this desk
	alive   bool                 // keepAlive runs; it takes the desk away
	held    map[uint64]*Delivery // by sequence
	ending  []*Delivery          // held, decided, and not confirmed yet; oldest first
	window  int                  // how many ends are told before one is confirmed
	telling bool                 // confirm runs
	giveUp  func()               // ends its wait for a confirmation
	over    map[uint64]past      // what was taken off the queue and may come again
	late    [2]map[uint64]bool   // what is out of the stream since this and the last heartbeat, and may be on its way
	tidying bool                 // tidy runs
	floor   bool                 // the stream may keep what a process acked that has died
	purgeTo uint64               // all up to here was taken out
}

// past is a message that was taken off the queue.
type past struct {
	stored time.Time
	since  time.Time
}

// overFor is how long a message is remembered whose end was not confirmed.
const overFor = time.Minute

// desk gives the desk of a queue, one for each consumer in this process, to a
// Pull. It is there until leave, and for as long as something lies on it.
func (b *Bus) desk(q Queue) *desk {
	b.desksMu.Lock()
	defer b.desksMu.Unlock()
	k := b.desks[q.stream+" "+q.Name]
	if k == nil {
		k = &desk{
			bus: b, queue: q, freed: wait.NewWake(), window: 1, held: map[uint64]*Delivery{}, over: map[uint64]past{},
			late: [2]map[uint64]bool{{}, {}},
		}
		b.desks[q.stream+" "+q.Name] = k
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pulls++
	if !k.alive {
		k.alive = b.task(k.keepAlive)
	}
	return k
}

// clear takes the desk away if nothing lies on it.
func (k *desk) clear() bool {
	k.bus.desksMu.Lock()
	defer k.bus.desksMu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pulls > 0 || len(k.held)+len(k.over) > 0 {
		return false
	}
	delete(k.bus.desks, k.queue.stream+" "+k.queue.Name)
	return true
}

// settle brings what was decided to the server before the connection goes.
func (b *Bus) settle(ctx context.Context) {
	b.desksMu.Lock()
	defer b.desksMu.Unlock()
	for _, k := range b.desks {
		k.flush(ctx)
	}
}

// open says from which consumer is fetched from now on.
func (k *desk) open(cons jetstream.Consumer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info := cons.CachedInfo()
	if !k.made.Equal(info.Created) && k.giveUp != nil {
		k.giveUp() // the former consumer confirms nothing any more
	}
	k.cons, k.made = cons, info.Created
	if k.queue.keeps && info.AckFloor.Consumer > 0 {
		k.floor = true
		k.startTidy()
	}
}

func (k *desk) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pulls--
}

// onDesk counts what of a queue is held in this process.
func (b *Bus) onDesk(q *Queue) int {
	if q == nil {
		return 0
	}
	b.desksMu.Lock()
	k := b.desks[q.stream+" "+q.Name]
	b.desksMu.Unlock()
	if k == nil {
		return 0
	}
	return k.count()
}

func (k *desk) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.held)
}

// take registers what was fetched; nil says that it is here already, or over.
func (k *desk) take(msg *nats.Msg) *Delivery {
	meta, err := msg.Metadata()
	if err != nil {
		return nil
	}
	seq := meta.Sequence.Stream
	d := &Delivery{
		Stored:     Stored{msg.Subject, seq, meta.Timestamp, msg.Header, msg.Data},
		Deliveries: meta.NumDelivered, Received: time.Now(), desk: k, reply: msg.Reply,
	}
	if seen := msg.Header.Get(claimHeader); seen != "" {
		d.claim = func() error { return k.bus.enter(context.Background(), k.queue.stream, seen) }
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	d.First, d.made = d.Deliveries == 1 && d.Time.After(k.made), k.made
	if had := k.held[seq]; had != nil && had.Time.Equal(d.Time) {
		had.reply, had.made = d.reply, d.made
		return nil
	}
	if k.late[0][seq] || k.late[1][seq] {
		return nil
	}
	k.held[seq] = d
	if p, ok := k.over[seq]; ok && p.stored.Equal(d.Time) {
		d.end = "+ACK" // it was lost, or is on its way
		k.ending = append(k.ending, d)
		k.startConfirm()
		return nil
	}
	return d
}

// release lets go of a delivery that comes again.
func (k *desk) release(d *Delivery) {
	k.mu.Lock()
	if k.held[d.Sequence] == d {
		delete(k.held, d.Sequence)
	}
	k.mu.Unlock()
	k.freed.Set()
}

// tell sends the server a word about a delivery.
func (k *desk) tell(d *Delivery, word string) error {
	k.mu.Lock()
	reply := d.reply
	k.mu.Unlock()
	return k.bus.nc.Publish(reply, []byte(word))
}

// keepAlive tells the server that what is held is being worked on, until nothing
// is and nobody fetches any more.
func (k *desk) keepAlive() {
	tick := time.NewTimer(wait.Whole(heartbeat))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			tick.Reset(wait.Whole(heartbeat))
		case <-k.bus.life.Done():
			return
		}
		if k.clear() {
			return
		}
		k.mu.Lock()
		for _, d := range k.held {
			_ = k.bus.nc.Publish(d.reply, []byte("+WPI")) // a lost heartbeat costs a delivery that stays on the desk
		}
		k.late[0], k.late[1] = map[uint64]bool{}, k.late[0]
		if !k.queue.keeps {
			for seq, p := range k.over {
				if time.Since(p.since) > overFor {
					delete(k.over, seq)
				}
			}
		}
		k.mu.Unlock()
	}
}
