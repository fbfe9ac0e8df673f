package jet

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// boundKey is where the metadata of a stream keep the bytes that its publishers
// bound, in place of its server. A server that refuses what is too much goes, for
// each message of a batch, through all messages of the batch: that is a third of a
// minute at which many jobs are due.
const boundKey = "spool_max_bytes"

// setBound says how many bytes a stream may hold.
func setBound(cfg *jetstream.StreamConfig, bytes int64) {
	cfg.MaxBytes = bytes
	if cfg.Name == events.StreamTriggers {
		cfg.MaxBytes, cfg.Metadata = -1, map[string]string{boundKey: strconv.FormatInt(bytes, 10)}
	}
}

// boundOf gives the bytes that a stream may hold, whoever sees to it.
func boundOf(cfg jetstream.StreamConfig) int64 {
	if n, err := strconv.ParseInt(cfg.Metadata[boundKey], 10, 64); err == nil {
		return n
	}
	return cfg.MaxBytes
}

// room bounds the bytes of TRIGGERS. Each publisher looks how much room there is and
// takes a part of it; by the time that the part is used up, or a second later, it
// looks again. So all publishers together overrun the bound by little, and there is
// a fifth of the store for that.
type room struct {
	mu     sync.Mutex
	looked time.Time
	taken  int64 // bytes left of the part that was taken
}

// part is which part of the room a publisher takes.
const part = 8

// overhead is about what a stream keeps of a message beside its subject and body.
const overhead = 100

// take finds room for messages, or says that TRIGGERS is full.
func (r *room) take(ctx context.Context, b *Bus, msgs []Message) error {
	size := int64(0)
	for _, m := range msgs {
		size += int64(len(m.Subject)+len(m.Data)) + overhead
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken < size || time.Since(r.looked) > time.Second {
		stream, err := b.js.Stream(ctx, events.StreamTriggers)
		if err != nil {
			return nil //nolint:nilerr // the publish will tell what is wrong
		}
		info := stream.CachedInfo()
		left := boundOf(info.Config) - int64(info.State.Bytes)
		if left < size {
			return full(events.StreamTriggers)
		}
		r.taken, r.looked = max(left/part, size), time.Now()
	}
	r.taken -= size
	return nil
}
