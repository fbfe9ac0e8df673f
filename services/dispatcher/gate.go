package dispatcher

import (
	"errors"
	"net"
	"sync"
	"time"
)

// refusals is how many connections in a row an endpoint has to refuse before it
// is left alone; probeEvery is how often it is then tried with one call.
const (
	refusals   = 5
	probeEvery = 2 * time.Second
)

// gate stands before the endpoint. It shuts when the endpoint refuses
// connections, lets one call in probeEvery through while it is shut, and opens
// with the first that is connected. What stands before it takes no worker, and
// no new work is fetched once each source holds as much as it may.
type gate struct {
	every time.Duration

	mu      sync.Mutex
	refused int       // connections in a row
	why     string    // the last one's error
	shut    time.Time // since when; zero while open
	probe   time.Time // when the next call is let through
	opened  chan struct{}
}

func newGate(every time.Duration) *gate { return &gate{every: every, opened: make(chan struct{})} }

// refusal reports that a connection could not be made, by the error of the call.
// A certificate that is not trusted is the job's own trouble, and no refusal.
func refusal(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect")
}

// refuse counts a refused connection, and tells whether it shut the gate.
func (g *gate) refuse(why string, now time.Time) (shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused++
	g.why = why
	if g.refused < refusals || !g.shut.IsZero() {
		return false
	}
	g.shut, g.probe = now, now.Add(g.every)
	return true
}

// answer takes in that a connection was made, and tells whether it opened the gate.
func (g *gate) answer() (opened bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = 0
	if g.shut.IsZero() {
		return false
	}
	g.shut = time.Time{}
	close(g.opened)
	g.opened = make(chan struct{})
	return true
}

// state tells whether the gate is shut, since when and why, and when the next probe is.
func (g *gate) state() (since time.Time, why string, probe time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut, g.why, g.probe
}

func (g *gate) open() bool {
	since, _, _ := g.state()
	return since.IsZero()
}

// admit tells whether a call may be made now, and whether as a probe; else it
// may ask again after wait, or when opened is closed.
func (g *gate) admit(now time.Time) (ok, probe bool, wait time.Duration, opened <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut.IsZero() {
		return true, false, 0, nil
	}
	if wait = g.probe.Sub(now); wait > 0 {
		return false, false, wait, g.opened
	}
	g.probe = now.Add(g.every)
	return true, true, 0, nil
}
