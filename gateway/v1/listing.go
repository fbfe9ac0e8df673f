package v1

import (
	"bufio"
	"context"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// listing writes one answer of list_jobs as its jobs are read: one part is written while the next is read, and it holds
// no more than these two, however many jobs there are and however slowly they are taken.
type listing struct {
	api   *API
	who   change.Caller
	w     http.ResponseWriter
	out   *bufio.Writer
	limit int           // 0 = all
	began chan struct{} // closed when the broker has given the first result of several jobs

	reading *reading // its last and more count when the parts have ended
	free    chan *part
}

func newListing(a *API, w http.ResponseWriter, who change.Caller, limit int) *listing {
	l := &listing{
		api: a, who: who, w: w, out: bufio.NewWriterSize(w, 32<<10), limit: limit,
		began: make(chan struct{}), free: make(chan *part, 2),
	}
	for range cap(l.free) {
		l.free <- &part{}
	}
	return l
}

// read reads the jobs part by part, the last of which has an error if any has. stop ends the reading, and waits until
// nothing of it runs any more.
func (l *listing) read(ctx context.Context, jobs iter.Seq[events.Job]) (full <-chan *part, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	parts := make(chan *part, cap(l.free))
	go func() { // until the jobs end or stop, which waits for it
		defer close(parts)
		var done func()
		l.reading, done = newReading(jobs, l.limit)
		defer done()
		began := sync.OnceFunc(func() { close(l.began) })
		for {
			some := l.reading.jobs()
			if len(some) == 0 {
				return
			}
			if len(some) == 1 { // what can be answered whole, or with an error, is
				began = func() {}
			}
			select {
			case p := <-l.free:
				var n int
				n, p.err = l.api.fill(ctx, p, some, began)
				parts <- p
				if p.err != nil {
					return
				}
				l.reading.read(n, len(some), len(p.text))
			case <-ctx.Done():
				return
			}
		}
	}()
	return parts, func() {
		cancel()
		for range parts { //nolint:revive // until it is closed
		}
	}
}

// write writes the answer. It begins with a part that is there already, if any is.
func (l *listing) write(p *part, full <-chan *part) error {
	l.out.WriteString(`{"status":"OK","jobs":[`) // an error of one write is that of all later ones, and of Flush
	if p == nil {
		if err := l.flush(); err != nil {
			return err
		}
		p = <-full
	}
	for comma := ""; p != nil; p = <-full {
		if p.err != nil {
			return p.err
		}
		for i := range p.rows {
			l.out.WriteString(comma)
			l.row(&p.rows[i], p.text)
			comma = ","
		}
		if err := l.flush(); err != nil {
			return err
		}
		l.free <- p
	}
	l.out.WriteString("]")
	if r := l.reading; r.more {
		l.out.WriteString(`,"next_page_token":"` + wire.PageToken(r.last.CreatedOnNS, r.last.ID) + `"`)
	}
	l.out.WriteString("}\n")
	return l.out.Flush()
}

// flush sends what is written.
func (l *listing) flush() error {
	if err := l.out.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(l.w).Flush()
}

// row writes a job as the API shows it, key for key in the seed's order.
func (l *listing) row(r *row, text []byte) {
	j := r.job
	b := slices.Concat(
		[]byte(`{"job_id":`), events.Encode(j.ID), []byte(`,"username":`), events.Encode(j.Username),
		[]byte(`,"status":`), events.Encode(j.Status), []byte(`,"name":`), events.Encode(j.Name), []byte(`,"created_on_ns":"`),
	)
	l.out.Write(append(strconv.AppendInt(b, j.CreatedOnNS, 10), `","job_parameters":`...))
	l.out.Write(l.api.Changes.Visible(l.who, j))
	l.out.WriteString(`,"results":[`)
	comma := ""
	for _, at := range r.results {
		if at.from < at.to {
			l.out.WriteString(comma)
			l.out.Write(text[at.from:at.to])
			comma = ","
		}
	}
	l.out.WriteString("]}")
}
