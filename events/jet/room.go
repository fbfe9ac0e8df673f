package jet

import (
	"context"
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
	info, err := b.info(ctx, stream, questionAlone)
	if err != nil {
		return 0, err
	}
	return boundOf(info.Config), nil
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
	taken  int64         // bytes left of the part that was taken
	look   chan struct{} // closed when who looks has looked; nil = nobody does
}

// roomPatience is how long is waited for how much room there is. Who does not hear it
// publishes: the answer to that tells what is wrong.
const roomPatience = 500 * time.Millisecond

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
	for {
		r.mu.Lock()
		if r.taken >= size && time.Since(r.looked) <= time.Second {
			r.taken -= size
			r.mu.Unlock()
			return nil
		}
		if looking := r.look; looking != nil {
			r.mu.Unlock()
			select { // one asks for all
			case <-looking:
				continue
			case <-time.After(roomPatience):
			case <-ctx.Done():
			}
			return nil // the publish will tell what is wrong
		}
		looking := make(chan struct{})
		r.look = looking
		r.mu.Unlock()
		left, known := r.left(ctx, b)
		r.mu.Lock()
		r.look = nil
		close(looking)
		if known && left >= size {
			r.taken, r.looked = max(left/part, size)-size, time.Now()
		}
		r.mu.Unlock()
		if known && left < size {
			return full(r.stream)
		}
		return nil
	}
}

// left asks how much room there is, while nobody is kept from what was taken.
func (r *room) left(ctx context.Context, b *Bus) (bytes int64, known bool) {
	ctx, cancel := context.WithTimeout(ctx, roomPatience)
	defer cancel()
	info, err := b.info(ctx, r.stream, roomPatience)
	if err != nil {
		return 0, false
	}
	return boundOf(info.Config) - int64(info.State.Bytes), true
}
