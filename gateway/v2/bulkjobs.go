package v2

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

var bulkOfJobs = bulkForm{
	actions: []events.BulkAction{events.BulkEnable, events.BulkDisable, events.BulkRun, events.BulkDelete},
	words:   jobFilterKeys,
	id: func(text string) (string, bool) {
		id := strings.ToLower(text)
		return id, len(id) == len(uuid.Nil.String()) && uuid.Validate(id) == nil
	},
}

// bulkJobs counts jobs, or does something with those that were counted.
func (a *API) bulkJobs(w http.ResponseWriter, r *http.Request) error {
	b, err := bulkOfJobs.read(r, a.Caller(r))
	if err != nil {
		return err
	}
	if answered, err := a.begunBefore(w, r, b); answered || err != nil {
		return err
	}
	var c selection
	if b.filter == nil {
		c, err = a.revisions(r.Context(), a.Caller(r), b.ids)
	} else {
		c, err = a.filtered(r, b.filter)
	}
	if err != nil {
		return err
	}
	return a.beginBulk(w, r, events.BulkJobs, b, c)
}

// filtered fixes which jobs a filter means, in the order of a list, and at which
// revisions. One that was changed while they were read is what it was read as, if the
// filter means that still.
func (a *API) filtered(r *http.Request, values url.Values) (c selection, err error) {
	before, err := a.selectJobs(r, values)
	if err != nil {
		return c, err
	}
	read, err := a.revisions(r.Context(), a.Caller(r), before)
	if err != nil {
		return c, err
	}
	after, err := a.selectJobs(r, values)
	if err != nil {
		return c, err
	}
	still := make(map[string]bool, len(after))
	for _, id := range after {
		still[id] = true
	}
	for i, item := range read.items {
		if still[item.ID] {
			if err := c.take(item, read.names[i]); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// selectJobs gives the jobs that a filter means, as a list shows them.
func (a *API) selectJobs(r *http.Request, values url.Values) ([]string, error) {
	if err := a.Jobs.Refresh(r.Context()); err != nil {
		return nil, err
	}
	plain := url.Values{}
	for key := range values {
		plain.Set(strings.TrimPrefix(key, filterField+"."), values.Get(key))
	}
	f, err := a.jobFilter(r, wire.QueryOf(plain))
	if fault, ok := errors.AsType[*events.Error](err); ok && fault.Field != "" {
		return nil, events.Faultf(fault.Code, filterField+"."+fault.Field, "%s", fault.Message)
	}
	if err != nil {
		return nil, err
	}
	return a.Index.Select(f, time.Now()), nil
}

// revisions gives at which revisions jobs are that the caller may see, in their order.
func (a *API) revisions(ctx context.Context, who change.Caller, ids []string) (c selection, err error) {
	type revision struct {
		seq  uint64
		name string
	}
	at := make(map[string]revision, len(ids))
	err = a.Bus.JobRevisions(ctx, ids, func(rev events.JobRevision) {
		if job := rev.Event.Job; who.MaySee(job.Username) {
			at[job.ID] = revision{rev.Seq, job.Name}
		}
	})
	for _, id := range ids {
		if rev, ok := at[id]; ok && err == nil {
			err = c.take(events.BulkItem{ID: id, Seq: rev.seq}, rev.name)
		}
	}
	return c, err
}
