package v1

import (
	"context"
	"iter"
	"slices"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// resultsShown is how many executions of a job are listed.
const resultsShown = 10

// Bounds of a part. The more jobs are in one, the less often the broker loads each block of its store: results lie there
// as they came, those of one job far from each other. The first part is small, so that it is there soon.
const (
	firstJobs = 16
	mostJobs  = 2048
	partBytes = 4 << 20 // of results, or of parameters; one job may have more
)

// part is some rows of an answer. It is used again when it is written.
type part struct {
	rows []row
	text []byte // the results of all rows, each as it is listed
	err  error
}

// row is a job and its last results.
type row struct {
	job     events.Job
	results [resultsShown]span // newest first; empty where there is none
}

// span is where something stands in a text.
type span struct{ from, to int }

// fill reads the results of jobs into a part, and tells of how many: not of all where these are too much.
func (a *API) fill(ctx context.Context, p *part, jobs []events.Job, began func()) (n int, err error) {
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	for n, fits := len(jobs), false; ; n = (n + 1) / 2 {
		p.rows, p.text, fits = slices.Grow(p.rows[:0], n)[:n], p.text[:0], true
		for i := range p.rows {
			p.rows[i] = row{job: jobs[i]}
		}
		var fault error
		err := a.Results.LatestOf(ctx, ids[:n], resultsShown, func(job, newer int, r jet.ResultBody) bool {
			began()
			from := len(p.text)
			fault = p.add(r)
			p.rows[job].results[newer] = span{from, len(p.text)}
			fits = n == 1 || len(p.text) <= partBytes
			return fits && fault == nil
		})
		if err == nil {
			err = fault
		}
		if err != nil || fits {
			return n, err
		}
	}
}

// add adds a result as it is listed, key for key in the seed's order: what is stored as it is shown is copied, not read.
func (p *part) add(r jet.ResultBody) error {
	ended, status, answer, err := r.Listed()
	if err != nil {
		return err
	}
	p.text = append(append(append(p.text, `{"timeInNS":"`...), ended...), `","status":`...)
	p.text = append(append(append(append(p.text, status...), `,"http_result":`...), answer...), '}')
	return nil
}

// reading is the jobs of a listing on their way into parts.
type reading struct {
	next  func() (events.Job, bool)
	limit int // 0 = all
	some  []events.Job
	size  int // jobs of the next part

	taken int
	last  events.Job
	more  bool // there are jobs beyond the limit
}

func newReading(jobs iter.Seq[events.Job], limit int) (r *reading, stop func()) {
	next, stop := iter.Pull(jobs)
	return &reading{next: next, limit: limit, size: firstJobs}, stop
}

// jobs gives those of the next part.
func (r *reading) jobs() []events.Job {
	bytes := 0
	for i, j := range r.some {
		if bytes += len(j.Parameters); i == r.size || i > 0 && bytes > partBytes {
			return r.some[:i]
		}
	}
	for len(r.some) < r.size && bytes <= partBytes {
		job, ok := r.next()
		if !ok {
			break
		}
		if r.limit > 0 && r.taken == r.limit {
			r.more = true
			break
		}
		r.taken++
		r.last = job
		r.some = append(r.some, job)
		bytes += len(job.Parameters)
	}
	return r.some
}

// read takes the first n jobs as read, which were so many of a part, and chooses how many the next part has.
func (r *reading) read(n, of, bytes int) {
	r.some = slices.Delete(r.some, 0, n)
	switch {
	case n < of:
		r.size = n
	case bytes < partBytes/4:
		r.size = min(2*r.size, mostJobs)
	}
}
