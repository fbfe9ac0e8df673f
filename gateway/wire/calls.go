package wire

import (
	"context"
	"iter"
	"net/http"

	"spool.internal/events"
)

// Handler writes its answer unless it returns an error.
type Handler func(http.ResponseWriter, *http.Request) error

// Calls makes handlers of the calls of an API. Both fields are required.
type Calls struct {
	Token func(*http.Request) events.Token     // that the request was let in with
	Fail  func(w http.ResponseWriter, e error) // answers with an error
}

// Read serves a call that every token may make.
func (c Calls) Read(h Handler) http.Handler {
	return c.handler(func(events.Token) error { return nil }, h)
}

// Write serves a call that changes something: it refuses tokens that may only read.
func (c Calls) Write(h Handler) http.Handler { return c.handler(events.Token.MayWrite, h) }

// Administer serves a call that is for administrators.
func (c Calls) Administer(h Handler) http.Handler { return c.handler(events.Token.MayAdminister, h) }

func (c Calls) handler(may func(events.Token) error, h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := may(c.Token(r))
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			c.Fail(w, err)
		}
	})
}

// Jobs is a cache of all jobs, which lists are read from.
type Jobs interface {
	// Refresh blocks until the cache includes every change acknowledged before the call.
	Refresh(ctx context.Context) error
	// Job finds one job.
	Job(id string) (events.Job, bool)
	// Oldest yields the jobs of one owner ("" = everybody's), oldest first,
	// beginning after the job that was created at createdNS with the given id.
	Oldest(owner string, createdNS int64, id string) iter.Seq[events.Job]
}
