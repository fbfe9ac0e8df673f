package daemon

import (
	"net"

	"spool.internal/events/admission"
)

// conn is one connection of a [counted] listener. A peer that takes what is
// written to it more slowly than the minimum rate is cut off.
type conn struct {
	net.Conn
	listener *counted
	address  admission.Caller // what it is counted as without a token
	entry    admission.Entry

	// Guarded by the listener's mutex.
	permit admission.Permit
	valid  func() bool // nil while no request with a token is in progress
	checks int         // that have found the token invalid

	out output
}

// Admit implements [admission.Conn].
func (c *conn) Admit(kind admission.Kind, who admission.Caller, valid func() bool) admission.Refusal {
	l := c.listener
	l.mu.Lock()
	why := admission.Refusal("")
	var evicted *admission.Entry
	if !c.permit.Held() {
		var permit admission.Permit
		if who.Rank != admission.Service {
			permit, why = l.semaphores.Acquire(kind, who)
		}
		// The connections of a proxy are its own, whoever speaks through them.
		if why == "" && kind != admission.Page && c.address.Rank != admission.Service {
			var ok bool
			if evicted, ok = l.pool.Reassign(&c.entry, who); !ok {
				l.semaphores.Release(permit)
				permit, why = admission.Permit{}, admission.TooMany
			}
		}
		if c.permit = permit; permit.Held() {
			c.valid, c.checks = valid, 0
			l.busy.Set()
		}
		if why != "" {
			evicted, _ = l.pool.Reassign(&c.entry, c.address) // without a permit it is one that may be evicted
		}
	}
	l.mu.Unlock()
	l.close(evicted, "evicted")
	if why != "" {
		c.Refused(kind.String() + "_" + string(why))
	}
	return why
}

// answered gives the permit back of a request that is over, its body included.
func (c *conn) answered() {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	c.listener.semaphores.Release(c.permit)
	c.permit, c.valid = admission.Permit{}, nil
}

// Demote implements [admission.Conn].
func (c *conn) Demote() {
	c.listener.mu.Lock()
	evicted, _ := c.listener.pool.Reassign(&c.entry, c.address)
	c.listener.mu.Unlock()
	c.listener.close(evicted, "evicted")
}

// Caller implements [admission.Conn].
func (c *conn) Caller() admission.Caller {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	return c.entry.Caller()
}

// Refused implements [admission.Conn].
func (c *conn) Refused(reason string) { c.listener.refused.WithLabelValues(reason).Inc() }

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.listener.remove(c)
	return c.Conn.Close()
}

// abort closes the connection and lets the kernel forget what it has not sent.
func (c *conn) abort() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Conn.Close() // the server's own Close takes it out of the listener
}

// CloseWrite lets the server say that it is done before the peer is.
func (c *conn) CloseWrite() error {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		return t.CloseWrite()
	}
	return nil
}
