package jet

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// How long a delivery lives without a heartbeat of the process that has it, and how
// often that sends one.
const (
	ackWait   = 10 * time.Second
	heartbeat = 3 * time.Second
)

// Queue names a durable consumer of a work queue, or of a log that is read like one.
type Queue struct {
	stream  string
	Name    string // of the consumer; all services that share it share the work
	filter  string
	Pending int           // deliveries that may be unsettled at once, over all holders
	Idle    time.Duration // the consumer goes when nobody pulls for so long; 0 = never
	FromNow bool          // a consumer that is made begins with what comes next, not with all that is stored
	Beside  *Queue        // another one whose deliveries count against what this holder may have; nil = none
	keeps   bool          // the stream keeps what was acked: it is taken out here, in groups

	// Came is told of each message that comes into this process, ahead of its turn;
	// it must not block. nil = nobody asks.
	Came func(*Delivery)

	// Gone is told which messages that this process took off the queue are out of
	// the stream for good; nil = nobody asks.
	Gone func(sequences []uint64)
}

// Open makes the consumer of a queue, or brings it up to date. It waits for a store that does
// not answer.
func (b *Bus) Open(ctx context.Context, q Queue) error {
	return b.Patiently(ctx, "consumer "+q.Name, func(ctx context.Context) error {
		_, err := b.consumer(ctx, q)
		return err
	})
}

func (b *Bus) consumer(ctx context.Context, q Queue) (jetstream.Consumer, error) {
	recordIn(q.filter)
	deliver := jetstream.DeliverAllPolicy
	if q.FromNow {
		deliver = jetstream.DeliverNewPolicy
	}
	cfg := jetstream.ConsumerConfig{
		Durable: q.Name, FilterSubject: q.filter, AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: deliver,
		AckWait: ackWait, MaxAckPending: q.Pending, InactiveThreshold: q.Idle, MaxWaiting: 512,
	}
	if q.single() {
		cfg.Replicas = 1
	}
	var cons jetstream.Consumer
	err := b.tries(ctx, q.stream, questionAlone, func(ctx context.Context) (err error) {
		if b.beside() { // an update is written and synced, also one that changes nothing
			if cons, err = b.js.Consumer(ctx, q.stream, q.Name); err == nil && isLike(cons.CachedInfo().Config, cfg) {
				return nil
			}
		}
		cons, err = b.js.CreateOrUpdateConsumer(ctx, q.stream, cfg)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", q.Name, q.stream, err)
	}
	return cons, nil
}

// isLike reports whether a consumer is as it is to be, in all that Spool says of one.
func isLike(is, want jetstream.ConsumerConfig) bool {
	return is.FilterSubject == want.FilterSubject && is.AckPolicy == want.AckPolicy && is.DeliverPolicy == want.DeliverPolicy && is.AckWait == want.AckWait &&
		is.MaxAckPending == want.MaxAckPending && is.InactiveThreshold == want.InactiveThreshold && is.MaxWaiting == want.MaxWaiting &&
		(want.Replicas == 0 || is.Replicas == want.Replicas)
}

// Unsettled returns how many messages are delivered but unacknowledged (including those
// waiting for redelivery), and how many are not yet delivered.
func (b *Bus) Unsettled(ctx context.Context, q Queue) (out, queued int, err error) {
	var cons jetstream.Consumer
	err = b.tries(ctx, q.stream, questionAlone, func(ctx context.Context) (err error) {
		cons, err = b.js.Consumer(ctx, q.stream, q.Name)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("consumer %s of %s: %w", q.Name, q.stream, err)
	}
	info := cons.CachedInfo()
	return info.NumAckPending, int(info.NumPending), nil
}

// Delivery is one message of a work queue that was delivered to this process. It gets
// heartbeats until Nak returns it, or the server has confirmed that Ack or Drop
// took it off the queue; only the first of them counts.
type Delivery struct {
	Stored
	Deliveries uint64    // 1 = first time, as far as the server remembers
	Received   time.Time // when it came into this process
	First      bool      // nobody can have worked on it before: the consumer is older than the message
	desk       *desk
	reply      string       // where the server waits for its end; the desk's mutex guards it and
	made       time.Time    // when the consumer was made that delivered it last
	claim      func() error // what the ledger needs before the message is gone; nil = nothing
	end        string       // how it leaves the queue, once that is decided
	told       bool         // the server was told
	once       sync.Once
}

// AboutJob is the job that the message is about; "" for none.
func (d *Delivery) AboutJob() string {
	sub, _ := parseSubject(d.Subject) // that of another version is about none
	return sub.JobID
}

// Newest asks for the sequence of the newest message in the stream of its queue. In a cluster a leader that is cut off
// knows no better than what it was: there any message may be older.
func (d *Delivery) Newest(ctx context.Context) (uint64, error) {
	if d.desk.bus.clustered() {
		return math.MaxUint64, nil
	}
	m, _, err := d.desk.bus.last(ctx, d.desk.queue.stream, everySubject)
	return m.Sequence, err
}

// IsFile reports that it came off the queue of files.
func (d *Delivery) IsFile() bool { return d.desk.queue.stream == streamFiles }

// Ack takes the message off the queue, once the ledger has what stays of it. The
// server may still be told when Ack has returned; until it has confirmed, the
// message counts as held.
func (d *Delivery) Ack() (err error) {
	d.once.Do(func() {
		if d.claim != nil {
			if err = d.claim(); err != nil {
				d.desk.release(d) // it comes again
				return
			}
		}
		d.desk.finish(d, "+ACK")
	})
	return err
}

// Nak returns the message to its queue, to be redelivered after a while.
func (d *Delivery) Nak(after time.Duration) (err error) {
	d.once.Do(func() {
		err = d.desk.tell(d, `-NAK {"delay":`+strconv.FormatInt(int64(after), 10)+`}`)
		d.desk.release(d)
	})
	return err
}

// Drop takes a message off the queue that nobody can work on, saying why.
func (d *Delivery) Drop(reason string) error {
	d.once.Do(func() {
		if d.claim != nil && !d.IsFile() {
			_ = d.claim() // else who asked for it asks again, and it is dropped again
		}
		d.desk.finish(d, "+TERM "+reason)
	})
	return nil
}

// Heartbeat puts off the redelivery of a message that outlasts this process: by as long
// as a delivery lives.
func (d *Delivery) Heartbeat() error { return d.desk.tell(d, "+WPI") }
