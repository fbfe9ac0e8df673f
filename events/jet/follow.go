package jet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"spool.internal/events/wait"
)

// From says where a follower begins.
type From int

const (
	Newest    From = iota // only what comes from now on
	Beginning             // everything that the stream holds
	LastEach              // the last message of every subject
	Since                 // what was stored at or after a time
)

// follow tells how to follow a stream.
type follow struct {
	Stream  string
	Filters []string
	From    From
	After   uint64 // with Beginning: only sequences above this one
	Time    time.Time
	Headers bool // headers only, without bodies
}

// errStale ends a follower that was cut off so long that what it missed may be gone.
var errStale = errors.New("cut off for too long")

// staleAfter is far below the 7 days for which a deleted job is remembered.
const staleAfter = 12 * time.Hour

// follow calls f with every message, in order and from one goroutine, until ctx
// ends; no call of f is under way once it has returned. It survives lost connections
// and restarted servers; the last message before such a break may come twice.
func (b *Bus) follow(ctx context.Context, w follow, f func(Stored)) error {
	recordIn(w.Filters...)
	next := w.After + 1
	begun := w.After > 0
	for ctx.Err() == nil {
		cfg := jetstream.OrderedConsumerConfig{FilterSubjects: w.Filters, HeadersOnly: w.Headers, NamePrefix: b.name + "-" + nuid.Next()}
		switch {
		case begun:
			cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, next
		case w.From == Newest:
			cfg.DeliverPolicy = jetstream.DeliverNewPolicy
		case w.From == Since:
			cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &w.Time
		case w.From == LastEach:
			cfg.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
		default:
			cfg.DeliverPolicy = jetstream.DeliverAllPolicy
		}
		err := b.followOnce(ctx, w.Stream, cfg, func(m Stored) {
			next, begun = m.Sequence+1, true
			f(m)
		})
		if errors.Is(err, errStale) {
			return err
		}
		if ctx.Err() == nil {
			b.log.Debug("following again", "stream", w.Stream, "error", errText(err))
			_ = wait.Sleep(ctx, 250*time.Millisecond)
		}
	}
	return nil
}

// pulled is how many messages a follower has on their way to it: of heads many, since they are small.
func pulled(cfg jetstream.OrderedConsumerConfig) int {
	if cfg.HeadersOnly {
		return 5000
	}
	return jetstream.DefaultMaxMessages
}

func (b *Bus) followOnce(ctx context.Context, stream string, cfg jetstream.OrderedConsumerConfig, f func(Stored)) error {
	cons, err := b.js.OrderedConsumer(ctx, stream, cfg)
	if err != nil {
		return err
	}
	stale := make(chan struct{}, 1)
	var in sync.Mutex // held while f works: the consumer says that it is closed before its last call has ended
	ended := false
	stands, sign := 5*time.Second, time.Second
	if b.beside() {
		stands, sign = 30*time.Second, 10*time.Second
	}
	cc, err := cons.Consume(func(m jetstream.Msg) {
		in.Lock()
		defer in.Unlock()
		if ended {
			return
		}
		meta, err := m.Metadata()
		if err != nil {
			return // not a message of a stream
		}
		f(Stored{m.Subject(), meta.Sequence.Stream, meta.Timestamp, nats.Header(m.Headers()), m.Data()})
	}, jetstream.PullMaxMessages(pulled(cfg)), jetstream.PullExpiry(stands), jetstream.PullHeartbeat(sign),
		jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) {
			if down := b.down.Load(); down > 0 && time.Since(time.Unix(0, down)) > staleAfter {
				select {
				case stale <- struct{}{}:
				default:
				}
			}
		}))
	if err != nil {
		return err
	}
	defer func() {
		b.stopFollowing(cc)
		in.Lock()
		ended = true
		in.Unlock()
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-stale:
		return errStale
	case <-cc.Closed():
		return errors.New("consumer closed")
	}
}

// stopFollowing ends a consumer. One that is making itself anew does not hear of it, for as long as nobody
// answers: of an abandoned bus it is left to that.
func (b *Bus) stopFollowing(cc jetstream.ConsumeContext) {
	stopped := make(chan struct{})
	go func() { // ends with the consumer
		cc.Stop()
		<-cc.Closed()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-b.life.Done():
	}
}
