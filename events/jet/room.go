package jet

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// boundKey is where the metadata of a stream keep the bytes that its publishers
// bound, in place of its server. A server that refuses what is too much goes, for
// each message of a batch, through all messages of the batch: that is a third of a
// minute at which many jobs are due.
const boundKey = "spool_max_bytes"

// setBound says how many bytes a stream may hold. JOBS and the tokens have some
// beyond, in which only what takes away has room: disable, delete, revoke.
func setBound(cfg *jetstream.StreamConfig, bytes int64) {
	cfg.MaxBytes = bytes
	switch cfg.Name {
	case streamTriggers, streamFiles: // those that take in many messages at once
		cfg.MaxBytes = -1
	case streamJobs, streamTokens:
		cfg.MaxBytes += reserve(bytes)
	default:
		return
	}
	if cfg.Metadata == nil {
		cfg.Metadata = map[string]string{}
	}
	cfg.Metadata[boundKey] = strconv.FormatInt(bytes, 10)
}

// reserve is the room beyond a bound: more than any message takes, where the
// store is not tiny.
func reserve(bytes int64) int64 { return max(bytes/20, min(1<<20, bytes/2)) }

// bound gives the bytes that a stream may hold.
func (b *Bus) bound(ctx context.Context, stream string) (int64, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", stream, err)
	}
	return boundOf(s.CachedInfo().Config), nil
}

// boundOf gives the bytes that a stream may hold, whoever sees to it.
func boundOf(cfg jetstream.StreamConfig) int64 {
	if n, err := strconv.ParseInt(cfg.Metadata[boundKey], 10, 64); err == nil {
		return n
	}
	return cfg.MaxBytes
}

// room bounds the bytes of one stream. Each publisher looks how much room there is and
// takes a part of it; by the time that the part is used up, or a second later, it
// looks again. So all publishers together overrun the bound by little, and there is
// a fifth of the store for that, and the reserve of a stream that has one.
type room struct {
	stream string

	mu     sync.Mutex
	looked time.Time
	taken  int64 // bytes left of the part that was taken
}

// part is which part of the room a publisher takes.
const part = 8

// overhead is about what a stream keeps of a message beside its subject and body.
const overhead = 100

// size is about what a stream keeps of a message.
func (m message) size() int64 {
	size := int64(len(m.Subject)+len(m.Data)) + overhead
	for k, v := range m.Header {
		size += int64(len(k) + len(v) + len(": \r\n"))
	}
	return size
}

// roomIn gives the room of a queue that its publishers bound; nil = its server does.
func (b *Bus) roomIn(stream string) *room {
	switch stream {
	case streamTriggers:
		return &b.triggers
	case streamFiles:
		return &b.files
	}
	return nil
}

// take finds room for messages, or says that the stream is full.
func (r *room) take(ctx context.Context, b *Bus, msgs []message) error {
	size := int64(0)
	for _, m := range msgs {
		size += m.size()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken < size || time.Since(r.looked) > time.Second {
		stream, err := b.js.Stream(ctx, r.stream)
		if err != nil {
			return nil //nolint:nilerr // the publish will tell what is wrong
		}
		info := stream.CachedInfo()
		left := boundOf(info.Config) - int64(info.State.Bytes)
		if left < size {
			return full(r.stream)
		}
		r.taken, r.looked = max(left/part, size), time.Now()
	}
	r.taken -= size
	return nil
}
