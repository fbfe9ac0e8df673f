package v1

import (
	"bufio"
	"context"
	"iter"
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

const (
	partSize = 16 // jobs whose results are read at once
	ahead    = 2  // parts that are read while the first of them is written: what a listing holds in memory
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
	l := &listing{api: a, who: a.Caller(r), out: bufio.NewWriterSize(w, 32<<10), limit: limit}
	parts := l.read(r.Context(), jobs)
	first := <-parts.next()
	if first.err != nil {
		parts.stop()
		return first.err // nothing is sent yet, so this can still be an answer
	}
	w.Header().Set("Content-Type", "application/json")
	err = l.write(first, parts)
	parts.stop()
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

// listing writes one answer of list_jobs as its jobs are read.
type listing struct {
	api   *API
	who   change.Caller
	out   *bufio.Writer
	limit int // 0 = all

	// Set before the parts end.
	last events.Job // the last one taken
	more bool       // there are jobs beyond the limit
}

// part is some rows of the answer; the last part has none.
type part struct {
	rows [][]byte
	err  error
}

// parts are the parts of an answer in their order, each there when it is read.
type parts struct {
	queue  chan chan part
	cancel context.CancelFunc
}

// next gives the place of the next part.
func (p parts) next() <-chan part {
	if place, ok := <-p.queue; ok {
		return place
	}
	end := make(chan part, 1)
	end <- part{}
	return end
}

// stop ends the reading and waits until nothing of it runs any more.
func (p parts) stop() {
	p.cancel()
	for place := range p.queue {
		<-place
	}
}

// read reads the jobs part by part, several at a time.
func (l *listing) read(ctx context.Context, jobs iter.Seq[events.Job]) parts {
	ctx, cancel := context.WithCancel(ctx)
	p := parts{make(chan chan part, ahead), cancel}
	go func() { // until the jobs end or stop, which waits for it
		defer close(p.queue)
		var some []events.Job
		send := func() bool {
			place, batch := make(chan part, 1), some
			select {
			case p.queue <- place:
			case <-ctx.Done():
				return false
			}
			go func() {
				rows, err := l.api.rows(ctx, l.who, batch)
				place <- part{rows, err}
			}()
			some = nil
			return true
		}
		taken := 0
		for job := range jobs {
			if l.limit > 0 && taken == l.limit {
				l.more = true
				break
			}
			taken++
			l.last = job
			if some = append(some, job); len(some) == partSize && !send() {
				return
			}
		}
		if len(some) > 0 {
			send()
		}
	}()
	return p
}

func (l *listing) write(p part, following parts) error {
	l.out.WriteString(`{"status":"OK","jobs":[`) // an error of one write is that of all later ones, and of Flush
	for comma := ""; len(p.rows) > 0; p = <-following.next() {
		for _, row := range p.rows {
			l.out.WriteString(comma)
			l.out.Write(row)
			comma = ","
		}
		if err := l.out.Flush(); err != nil {
			return err
		}
	}
	if p.err != nil {
		return p.err
	}
	l.out.WriteString("]")
	if l.more {
		l.out.WriteString(`,"next_page_token":"` + wire.PageToken(l.last.CreatedOnNS, l.last.ID) + `"`)
	}
	l.out.WriteString("}\n")
	return l.out.Flush()
}
