package jet

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/wait"
)

// A consumer can go quiet: its leader has messages for a request that stands, and gives none. And
// one with a single copy is gone for as long as its server is away. Both are noticed here by who pulls.

// stallAfter is how long nothing may come while something waits, unless a test says otherwise; goneAfter is how long a consumer
// with a single copy may not answer before it is made anew on another server.
const (
	stallAfter = 30 * time.Second
	goneAfter  = 4 * time.Second
	goneAgain  = 250 * time.Millisecond // between two questions to one that does not answer
)

// stalls counts what was done about consumers.
type stalls struct{ renewed, stepped, remade atomic.Int64 }

// Stalls tells how often a queue gave nothing for half a minute though it held something, how often the
// leader of its consumer was told to step down then, and how often a consumer was made anew on another server.
func (b *Bus) Stalls() (renewed, stepped, remade int64) {
	return b.stalls.renewed.Load(), b.stalls.stepped.Load(), b.stalls.remade.Load()
}

// quiet is what a puller knows of a queue that gives nothing.
type quiet struct {
	since     time.Time // when a message came last, or was last looked
	delivered uint64    // how far the consumer had come then
	renewed   bool      // nothing came of a new request either
	away      time.Time // since when the consumer does not answer
}

// heard notes that something came.
func (q *quiet) heard() { *q = quiet{since: time.Now()} }

// look asks a consumer that has given nothing for a while whether it should have: the first time the
// request is made anew, the next time another server is to lead the consumer.
func (p *puller) look(ctx context.Context) {
	q := &p.quiet
	if time.Since(q.since) < cmp.Or(p.desk.bus.stallAfter, stallAfter) {
		return
	}
	q.since = time.Now()
	info, err := p.cons.Info(ctx)
	if err != nil {
		return
	}
	moved := info.Delivered.Consumer != q.delivered
	q.delivered = info.Delivered.Consumer
	if moved || info.NumPending == 0 || info.NumAckPending >= info.Config.MaxAckPending {
		q.renewed = false
		return
	}
	b, queue := p.desk.bus, p.desk.queue
	b.log.Warn("a queue gives nothing though it has something", "queue", queue.Name, "pending", info.NumPending, "asked_anew_before", q.renewed)
	if !q.renewed {
		q.renewed = true
		b.stalls.renewed.Add(1)
		return // each request stands for a few seconds: the next is a new one
	}
	q.renewed = false
	b.stalls.stepped.Add(1)
	limited, cancel := b.onWire(ctx, 2*time.Second)
	defer cancel()
	_, _ = b.api(limited, "CONSUMER.LEADER.STEPDOWN", queue.stream+"."+queue.Name, struct{}{}) // a server that is alone has no other
}

// answers asks a consumer that broke off whether it is there. One with a single copy whose server is
// away is taken out, so that the next Pull makes it anew: what it had delivered comes again then, and
// the ledgers know what of that is done.
func (p *puller) answers(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	info, err := p.cons.Info(limited)
	b, queue := p.desk.bus, p.desk.queue
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return err
	case err == nil && (HasLeader(info) || !b.clustered()) || !queue.single() || !b.nc.IsConnected():
		p.quiet.away = time.Time{}
		return nil
	case p.quiet.away.IsZero():
		p.quiet.away = time.Now()
	case time.Since(p.quiet.away) > goneAfter:
		p.quiet.away = time.Time{}
		if b.dropAway(ctx, queue) {
			return jetstream.ErrConsumerDeleted
		}
	}
	_ = wait.Sleep(ctx, goneAgain) // the loop sees the end of ctx
	return nil
}

// dropAway takes out a consumer with a single copy whose server does not answer, while the leader of
// its stream does; false = it is as it was.
func (b *Bus) dropAway(ctx context.Context, q Queue) bool {
	if !q.single() || !b.nc.IsConnected() || ctx.Err() != nil || !b.clustered() {
		return false
	}
	for range 2 { // one answer that is lost is no server that is away
		limited, cancel := context.WithTimeout(ctx, time.Second)
		c, err := b.js.Consumer(limited, q.stream, q.Name)
		cancel()
		if err == nil && HasLeader(c.CachedInfo()) || errors.Is(err, jetstream.ErrConsumerNotFound) || wait.Sleep(ctx, goneAgain) != nil {
			return false
		}
	}
	if _, _, err := b.last(ctx, q.stream, probeOf(q.stream)); err != nil {
		return false
	}
	if err := b.js.DeleteConsumer(ctx, q.stream, q.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		b.log.Warn("a consumer whose server is away cannot be made anew now", "queue", q.Name, "error", err.Error())
		return false
	}
	b.log.Info("a consumer whose server is away is made anew", "queue", q.Name)
	b.stalls.remade.Add(1)
	return true
}

// HasLeader reports whether a server of a cluster gives the messages of a consumer. One that lost its only
// copy with a machine may be known, on another, and have none.
func HasLeader(c *jetstream.ConsumerInfo) bool { return c.Cluster != nil && c.Cluster.Leader != "" }

// single reports whether the consumer has one copy: there are as many as folders with files, and each
// copy costs its server what an idle group of servers does.
func (q Queue) single() bool { return q.keeps }
