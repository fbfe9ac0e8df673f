package stream

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"spool.internal/events"
)

// writeWait is how long a client may take nothing.
const writeWait = 10 * time.Second

// client is one request for events.
type client struct {
	selection
	waiting chan *event
	end     context.CancelCauseFunc

	out     http.ResponseWriter
	control *http.ResponseController
	at      position // everything that it wants up to here was written
}

// selection is which events a client gets.
type selection struct {
	token events.Token
	jobID string // empty: of all jobs, and what is of none
	of    [len(kinds)]bool
}

func (s selection) wants(e *event) bool {
	return s.of[e.kind] && (s.jobID == "" || s.jobID == e.jobID) && (e.everybody || s.token.MaySee(e.owner))
}

// needs reports whether anything of a source can be wanted.
func (s selection) needs(source int) bool {
	for i, k := range kinds {
		if s.of[i] && k.source == source {
			return true
		}
	}
	return false
}

// write sends an event on its way, unless the client has it.
func (c *client) write(e *event) error {
	if e.seq <= c.at[e.source] {
		return nil
	}
	c.at[e.source] = e.seq
	if !c.wants(e) {
		return nil
	}
	c.extend()
	_, err := fmt.Fprintf(c.out, "event: %s\nid: %s\ndata: %s\n\n", kinds[e.kind].name, c.at, e.dataFor(c.token))
	return err
}

// beat sends a heartbeat: a comment, with the position that the client has reached.
func (c *client) beat(comment string) error {
	c.extend()
	if _, err := fmt.Fprintf(c.out, "%s\nid: %s\n\n", comment, c.at); err != nil {
		return err
	}
	return c.flush()
}

func (c *client) flush() error {
	c.extend()
	return c.control.Flush()
}

// extend gives the client time for the next bytes; not every connection has deadlines.
func (c *client) extend() { _ = c.control.SetWriteDeadline(time.Now().Add(writeWait)) }
