package jet

import (
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
)

// A server keeps the first error of a write for the life of a stream's store, and
// then answers no write any more. So what is refused is tried once more with a
// message of our own, and again until one is taken. Nothing is written while all
// writes succeed.
const (
	probeSoon     = time.Second
	probeEvery    = 10 * time.Second
	probePatience = 3 * time.Second

	// Silence is no refusal: a disk that is slow lets answers wait. Who runs the server
	// knows sooner.
	silenceCounts = time.Minute
)

func probeOf(stream string) string { return probeSubject(stream) }

// refused is told of every write that failed. What only says that somebody was
// first, or that a stream is full, is no fault of the stream.
func (b *Bus) refused(stream string, err error) {
	switch events.CodeOf(err) {
	case events.Conflict, events.Full, events.Invalid, events.NotFound:
		return
	}
	if !b.nc.IsConnected() {
		return
	}
	h := &b.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.probing[stream] {
		return
	}
	since := time.Now()
	h.probing[stream] = b.task(func() { b.probe(stream, since) })
}

// probe writes into a stream until it takes what is written.
func (b *Bus) probe(stream string, since time.Time) {
	line := b.nextLine()
	for wait := probeSoon; b.pause(wait, line); {
		line = b.nextLine() // before it is written: the server may be exchanged meanwhile
		if wait = probeSoon; !b.nc.IsConnected() {
			continue
		}
		err := b.writeProbe(stream)
		if b.life.Err() != nil || !b.nc.IsConnected() {
			continue
		}
		if b.probed(stream, since, err) {
			return
		}
		wait = probeEvery
	}
}

// pause waits, at most until line says that another connection was made: the server
// may be another one. It reports whether the bus is still open.
func (b *Bus) pause(wait time.Duration, line <-chan struct{}) bool {
	select {
	case <-time.After(wait):
	case <-line:
	case <-b.life.Done():
	}
	return b.life.Err() == nil
}

// writeProbe puts one message in the place of the last one. A stream that is full
// refuses it for a reason of its own, and is well.
func (b *Bus) writeProbe(stream string) error {
	ctx, cancel := b.onWire(b.life, probePatience)
	defer cancel()
	if err := b.purge(ctx, stream, purgeRequest{Filter: probeOf(stream)}); err != nil && !IsFull(err) {
		return err
	}
	answer, err := b.request(ctx, &nats.Msg{Subject: probeOf(stream), Data: body(time.Now().UTC())})
	if err != nil {
		return b.publishError(stream, err)
	}
	if _, err = b.readAck(stream, answer); IsFull(err) {
		return nil
	}
	return err
}

// said is what a person is told of a write that failed. What the server says of its files
// is cut: their paths are for the log.
func said(err error) string {
	if errors.Is(err, ErrUnknown) {
		return "the store did not answer"
	}
	text := err.Error()
	if strings.Contains(text, "/") {
		text = text[strings.LastIndex(text, ": ")+1:]
	}
	return strings.TrimSpace(text)
}

// probed notes how a probe went; whole says that the stream takes writes again.
func (b *Bus) probed(stream string, since time.Time, err error) (whole bool) {
	h := &b.health
	h.mu.Lock()
	defer h.mu.Unlock()
	was, broken := h.broken[stream]
	if err == nil {
		delete(h.broken, stream)
		delete(h.probing, stream)
		if broken {
			b.log.Info("a stream takes what is written again", "stream", stream, "refused_since", was.since)
		}
		return true
	}
	if IsUnknown(err) && time.Since(since) < silenceCounts {
		return false
	}
	if !broken {
		b.log.Error("a stream refuses what is written", "stream", stream, "since", since, "error", err.Error())
		h.broken[stream] = trouble{text: "refuses what is written (" + said(err) + ")", since: since}
	}
	return false
}
