package dispatcher

import (
	"errors"
	"net"
	"sync"
	"time"

	"spool.internal/events"
)

// maxRefusals is how many connections in a row an endpoint refuses before the circuit breaker opens;
// probeEvery is how often one call is then let through.
const (
	maxRefusals = 5
	probeEvery  = 2 * time.Second
)

// breaker is a circuit breaker in front of one endpoint. It opens when the endpoint refuses connections, lets one
// call every probeEvery through while it is open, and closes with the first connection that is made. Triggers that
// wait for it hold no worker, and no new ones are fetched once each queue has as many deliveries as it may.
type breaker struct {
	every time.Duration

	mu      sync.Mutex
	refused int           // connections in a row
	why     string        // the error of the last one
	since   time.Time     // when it opened; zero while it is closed
	probe   time.Time     // when the next call is let through
	closing chan struct{} // closed when the breaker closes
}

func newBreaker(every time.Duration) *breaker {
	return &breaker{every: every, closing: make(chan struct{})}
}

// refusal reports whether the error of a call means that no connection could be made. A certificate that is not
// trusted is the job's own trouble, and no refusal.
func refusal(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect")
}

// failed counts a refused connection, and reports whether that opened the breaker.
func (b *breaker) failed(why string, now time.Time) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused++
	b.why = why
	if b.refused < maxRefusals || !b.since.IsZero() {
		return false
	}
	b.since, b.probe = now, now.Add(b.every)
	return true
}

// connected notes that a connection was made, and reports whether that closed the breaker.
func (b *breaker) connected() (closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = 0
	if b.since.IsZero() {
		return false
	}
	b.since = time.Time{}
	close(b.closing)
	b.closing = make(chan struct{})
	return true
}

// closed reports whether calls may be made.
func (b *breaker) closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since.IsZero()
}

// open says since when the breaker is open; zero while it is closed.
func (b *breaker) open() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since.UTC().Truncate(time.Millisecond)
}

// cause is the error of the last connection that was refused.
func (b *breaker) cause() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.why
}

// state says what the breaker knows of the endpoint.
func (b *breaker) state() (e events.EndpointState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.since.IsZero() {
		e.Refuses, e.Reason, e.Next = b.since.UTC(), b.why, b.probe.UTC()
	}
	return e
}

// permit is the breaker's answer to a caller.
type permit struct {
	ok      bool
	probe   bool            // the call is the one that is let through an open breaker
	of      *endpoint       // of this one, then
	wait    time.Duration   // when not ok: ask again after this long,
	closing <-chan struct{} // or when this is closed
}

// allow asks for a call.
func (b *breaker) allow(now time.Time) permit {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		return permit{ok: true}
	}
	if wait := b.probe.Sub(now); wait > 0 {
		return permit{wait: wait, closing: b.closing}
	}
	b.probe = now.Add(b.every)
	return permit{ok: true, probe: true}
}
