package daemon

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"spool.internal/events/admission"
)

// output is what a [conn] knows of what it writes.
type output struct {
	mu       sync.Mutex
	budget   admission.Budget
	deadline time.Time // until when the peer has to take something; zero = none
	patience time.Duration
	armed    time.Time // that the socket has
	written  int64     // bytes that the kernel has accepted
	arrived  int64     // bytes that the peer had acknowledged when the budget was last used up
}

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (n int, err error) {
	for {
		began := time.Now()
		if err := c.out.arm(c.Conn, began); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(p[n:])
		n += m
		c.out.spend(time.Since(began), m)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if !c.out.mayGoOn(c.Conn, time.Now()) {
			c.Refused("slow_reader")
			return n, err
		}
	}
}

// SetWriteDeadline implements [net.Conn]. The minimum rate holds all the same, and
// a peer that has taken something by the deadline has as much time again.
func (c *conn) SetWriteDeadline(t time.Time) error {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.deadline = t; t.IsZero() {
		return nil // the next write sets its own
	}
	now := time.Now()
	o.patience = t.Sub(now)
	o.armed = earlier(t, now.Add(o.budget.Left()))
	return c.Conn.SetWriteDeadline(o.armed)
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// arm sets the socket's deadline. It need not be exact, as a write that it ends
// early is continued; so it is set again only when half of the time is over.
func (o *output) arm(socket net.Conn, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	until := earlier(o.deadline, now.Add(o.budget.Left()))
	if !o.armed.After(until) && o.armed.Sub(now) > until.Sub(now)/2 {
		return nil
	}
	o.armed = until
	return socket.SetWriteDeadline(until)
}

func (o *output) spend(wait time.Duration, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written += int64(n)
	o.budget.Spend(wait, n)
}

// mayGoOn decides about a write that the socket's deadline has ended.
func (o *output) mayGoOn(socket net.Conn, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	late, slow := !o.deadline.IsZero() && !now.Before(o.deadline), o.budget.Left() == 0
	if !late && !slow {
		return true
	}
	// The kernel holds up to some megabytes and accepts more only when a good part
	// of them has left. What counts is what the peer has acknowledged.
	arrived := o.written - unacknowledged(socket)
	moved := arrived - o.arrived
	o.arrived = arrived
	if late && (moved == 0 || o.patience <= 0) || slow && moved < o.budget.Rate().Bytes() {
		return false
	}
	if late {
		o.deadline = now.Add(o.patience)
	}
	if slow {
		o.budget.Refill()
	}
	return true
}

// earlier gives the earlier of two times of which the first may be none.
func earlier(deadline, t time.Time) time.Time {
	if !deadline.IsZero() && deadline.Before(t) {
		return deadline
	}
	return t
}
