package dispatcher

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/scrub"
)

// endpoint is one address of the Run Binary API, with a circuit breaker of its own.
type endpoint struct {
	*breaker
	url    string
	at     string  // its host, for logs; the URL can hold a password
	direct *direct // nil = the client of net/http makes its calls
}

// endpoints are those of a dispatcher, in the order in which they are tried. Whoever waits for
// one waits for the first that takes connections again.
type endpoints struct {
	all []*endpoint

	mu      sync.Mutex
	closing chan struct{} // closed when a breaker closes
}

func newEndpoints(text string, every, timeout time.Duration) *endpoints {
	e := &endpoints{closing: make(chan struct{})}
	for _, one := range splitURLs(text) {
		host := ""
		if u, err := url.Parse(one); err == nil {
			host = u.Host
		}
		e.all = append(e.all, &endpoint{newBreaker(every), one, host, newDirect(one, timeout)})
	}
	return e
}

// splitURLs takes a list apart: a comma divides two URLs where one begins after it.
func splitURLs(text string) (all []string) {
	for part := range strings.SplitSeq(text, ",") {
		trimmed := strings.TrimSpace(part)
		begins := strings.HasPrefix(trimmed, "http://") || strings.HasPrefix(trimmed, "https://")
		if n := len(all); n > 0 && !begins {
			all[n-1] += "," + part
			continue
		}
		all = append(all, trimmed)
	}
	return all
}

// secretsIn gives what is secret in the URLs.
func secretsIn(text string) (all []string) {
	for _, one := range splitURLs(text) {
		all = append(all, scrub.InURL(one)...)
	}
	return all
}

// closed reports whether one of them may be called.
func (e *endpoints) closed() bool {
	for _, one := range e.all {
		if one.closed() {
			return true
		}
	}
	return false
}

// connected notes that one has taken a connection.
func (e *endpoints) connected(one *endpoint) (closed bool) {
	if closed = one.connected(); closed {
		e.mu.Lock()
		defer e.mu.Unlock()
		close(e.closing)
		e.closing = make(chan struct{})
	}
	return closed
}

// allow asks for a call of any of them: behind open breakers the permit names the one to probe.
func (e *endpoints) allow(now time.Time) permit {
	e.mu.Lock()
	closing := e.closing
	e.mu.Unlock()
	soonest := permit{wait: time.Hour, closing: closing}
	if e.closed() {
		return permit{ok: true}
	}
	for _, one := range e.all {
		p := one.allow(now)
		if p.ok {
			if p.probe {
				p.of = one
			}
			return p
		}
		soonest.wait = min(soonest.wait, p.wait)
	}
	return soonest
}

// turn gives those that a call is to try: the one to probe alone; else first the one that may
// have taken an earlier call of the trigger, then the others that take connections, in order.
func (e *endpoints) turn(probe, earlier *endpoint) (all []*endpoint) {
	if probe != nil {
		return []*endpoint{probe}
	}
	if earlier != nil && earlier.closed() {
		all = append(all, earlier)
	}
	for _, one := range e.all {
		if one != earlier && one.closed() {
			all = append(all, one)
		}
	}
	if len(all) == 0 { // all opened a moment ago, or the call may be made but once
		return e.all
	}
	return all
}

// open says since when all of them have refused connections; zero while one takes them.
func (e *endpoints) open() (since time.Time) {
	for _, one := range e.all {
		at := one.open()
		if at.IsZero() {
			return at
		}
		if at.After(since) {
			since = at
		}
	}
	return since
}

// cause is the last error of the first that refuses connections.
func (e *endpoints) cause() string {
	for _, one := range e.all {
		if why := one.cause(); why != "" {
			return why
		}
	}
	return ""
}

// state says what is known of them: that of the first, unless another takes connections.
func (e *endpoints) state() (s events.EndpointState) {
	for i := len(e.all) - 1; i >= 0; i-- {
		if s = e.all[i].state(); s.Refuses.IsZero() {
			return s
		}
	}
	return s
}

// unsure reports whether an endpoint may have taken a call that is to be made again: it did not
// answer, or answered with something other than that it takes none now.
func (o outcome) unsure() bool {
	busy := o.HTTP.Status == "503" || o.HTTP.Status == "429"
	return o.passing && !o.refused && !busy
}
