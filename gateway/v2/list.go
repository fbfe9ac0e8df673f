package v2

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"
	"sync"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

const (
	maxScan = 5000 // jobs that one page looks at
	ahead   = 16   // of them at once
)

// jobFilter chooses among jobs.
type jobFilter struct {
	status     string
	mode       string
	lastResult string
	name       string // part of it, in lower case
}

// admits judges by what costs nothing to know.
func (f jobFilter) admits(j events.Job) bool {
	return (f.status == "" || f.status == string(j.Status)) &&
		(f.name == "" || strings.Contains(strings.ToLower(j.Name), f.name))
}

// shows judges by the rest.
func (f jobFilter) shows(j job) bool {
	last := "none"
	if j.LastResult != nil {
		last = string(j.LastResult.Status)
	}
	return (f.mode == "" || f.mode == j.Mode) && (f.lastResult == "" || f.lastResult == last)
}

type jobPage struct {
	Jobs []job  `json:"jobs"`
	Next string `json:"next_page_token,omitempty"`
}

func (a *API) listJobs(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "status", "mode", "last_result", "q", "username", "limit", "page_token")
	f := jobFilter{
		status:     q.OneOf("status", string(events.Enabled), string(events.Disabled)),
		mode:       q.OneOf("mode", modeCron, modeAutomatic),
		lastResult: q.OneOf("last_result", string(events.OK), string(events.ERROR), "none"),
		name:       strings.ToLower(q.Text("q")),
	}
	limit := q.Limit(wire.DefaultLimit)
	created, id := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	who := a.Caller(r)
	owner, err := who.OwnerFor(q.Text("username"))
	if err != nil {
		return err
	}
	if err := a.Jobs.Refresh(r.Context()); err != nil {
		return err
	}
	page, err := a.page(r.Context(), who, a.Jobs.Oldest(owner, int64(created), id), f, limit)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// listed shows a job of a list, of which nothing is read but when it runs.
func (a *API) listed(ctx context.Context, who change.Caller, j events.Job) (job, error) {
	t, err := j.Timing()
	if err != nil { // another version stored it
		return a.row(ctx, who, j, nil)
	}
	return a.row(ctx, who, j, &t.When)
}

// page looks at jobs, some at once, until it has enough of them.
func (a *API) page(ctx context.Context, who change.Caller, jobs iter.Seq[events.Job], f jobFilter, limit int) (jobPage, error) {
	page := jobPage{Jobs: []job{}}
	next, stop := iter.Pull(jobs)
	defer stop()
	var last events.Job
	for looked := 0; len(page.Jobs) < limit && looked < maxScan; {
		var chunk []events.Job
		for len(chunk) < min(ahead, limit-len(page.Jobs)) {
			j, ok := next()
			if !ok {
				break
			}
			if last = j; f.admits(j) {
				chunk = append(chunk, j)
			}
		}
		if len(chunk) == 0 {
			return page, nil
		}
		looked += len(chunk)
		rows, errs := make([]job, len(chunk)), make([]error, len(chunk))
		var wg sync.WaitGroup
		for i, j := range chunk {
			wg.Go(func() { rows[i], errs[i] = a.listed(ctx, who, j) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return page, err
		}
		for _, row := range rows {
			if f.shows(row) {
				page.Jobs = append(page.Jobs, row)
			}
		}
	}
	if _, more := next(); more {
		page.Next = wire.PageToken(last.CreatedOnNS, last.ID)
	}
	return page, nil
}
