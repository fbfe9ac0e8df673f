package stream

import (
	"errors"
	"slices"
	"sync"

	"spool.internal/events"
)

// Bounds of the memory that clients can cost.
const (
	maxClients = 10_000
	maxWaiting = 256 // events that wait for one client; they are shared by all
)

// Why a stream ends.
var (
	errBehind  = errors.New("the client takes the events too slowly")
	errStopped = errors.New("the gateway stops")
)

// hub passes events on to the clients that are there.
type hub struct {
	mu      sync.Mutex
	last    position           // everything up to here was passed on
	begun   [len(sources)]bool // last is known
	stopped bool
	clients map[*client]bool // true: it gets events
}

func newHub() *hub { return &hub{clients: map[*client]bool{}} }

// begin says what was stored before the hub passes events on.
func (h *hub) begin(i int, seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last[i], h.begun[i] = seq, true
}

func (h *hub) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.checkLocked()
}

func (h *hub) checkLocked() error {
	if h.stopped || slices.Contains(h.begun[:], false) {
		return events.Faultf(events.Unavailable, "", "events are not followed now: try again")
	}
	return nil
}

// position is up to where events were passed on.
func (h *hub) position() position {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// enter adds a client, which gets no events yet.
func (h *hub) enter(c *client) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkLocked(); err != nil {
		return err
	}
	if len(h.clients) >= maxClients {
		return events.Faultf(events.Unavailable, "", "%d clients follow the events, and more are not allowed: try again later", maxClients)
	}
	h.clients[c] = false
	return nil
}

// join lets a client have what comes after the position that is returned.
func (h *hub) join(c *client) position {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.clients[c]; ok {
		h.clients[c] = true
	}
	return h.last
}

func (h *hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, c)
}

// rest gives the position of a client for which no event waits; ok is false
// while one does.
func (h *hub) rest(c *client) (p position, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, len(c.waiting) == 0
}

// idle notes an event that no client would get.
func (h *hub) idle(i int, seq uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.clients) > 0 && seq > h.last[i] {
		return false
	}
	h.last[i] = max(h.last[i], seq)
	return true
}

// skip notes a message that is no event.
func (h *hub) skip(i int, seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last[i] = max(h.last[i], seq)
}

// pass gives an event to everybody who wants it, without waiting for anybody.
func (h *hub) pass(e *event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last[e.source] = e.seq
	for c, joined := range h.clients {
		if !joined || !c.wants(e) {
			continue
		}
		select {
		case c.waiting <- e:
		default:
			h.clients[c] = false
			c.end(errBehind)
		}
	}
}

// stop ends all clients.
func (h *hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for c := range h.clients {
		c.end(errStopped)
	}
}
