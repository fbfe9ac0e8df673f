package v1

import (
	"iter"
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

func (a *API) listJobs(w http.ResponseWriter, r *http.Request) error {
	o, err := readQuery(r, "job_id", "username", "limit", "page_token")
	if err != nil {
		return err
	}
	limit, err := countOf(o, "limit", 1, wire.MaxLimit)
	if err != nil {
		return err
	}
	jobs, err := a.choose(r, o)
	if err != nil {
		return err
	}
	l := newListing(a, w, a.Caller(r), limit)
	full, stop := l.read(r.Context(), jobs)
	var first *part
	select {
	case first = <-full:
	case <-l.began:
	}
	if first != nil && first.err != nil {
		stop()
		return first.err // nothing is sent yet, so this can still be an answer
	}
	w.Header().Set("Content-Type", "application/json")
	err = l.write(first, full)
	stop()
	if err != nil {
		a.Log.Warn("a list was broken off", "request_id", w.Header().Get(wire.HeaderRequestID), "error", err.Error())
		panic(http.ErrAbortHandler)
	}
	return nil
}

// choose finds the jobs that a call asks for.
func (a *API) choose(r *http.Request, o events.Object) (iter.Seq[events.Job], error) {
	who := a.Caller(r)
	owner, err := ownerOf(o, who)
	if err != nil {
		return nil, err
	}
	id, err := jobIDOf(o)
	if err != nil {
		return nil, err
	}
	token, err := textOf(o, "page_token")
	if err != nil {
		return nil, err
	}
	created, after, ok := wire.ParsePageToken(token)
	if !ok {
		return nil, events.Faultf(events.Invalid, "page_token", "is not a next_page_token of list_jobs")
	}
	if err := a.Jobs.Refresh(r.Context()); err != nil {
		return nil, err
	}
	if id == "" {
		return a.Jobs.Oldest(owner, created, after), nil
	}
	job, ok := a.Jobs.Job(id)
	_, named := o.Get("username")
	if !ok || !who.MaySee(job.Username) || named && owner != "" && owner != job.Username {
		return nil, change.NoSuchJob()
	}
	return func(yield func(events.Job) bool) { yield(job) }, nil
}
