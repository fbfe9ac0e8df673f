package v2

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

var bulkOfJobs = bulkForm{
	of: events.BulkJobs, path: Prefix + "jobs/bulk",
	actions: []events.BulkAction{events.BulkEnable, events.BulkDisable, events.BulkRun, events.BulkDelete},
	words:   jobFilterKeys,
	id: func(text string) (string, bool) {
		id := strings.ToLower(text)
		return id, len(id) == len(uuid.Nil.String()) && uuid.Validate(id) == nil
	},
}

// BulkJobs counts jobs, or has something done with those that were counted.
func (a *API) BulkJobs(ctx context.Context, who change.Caller, b BulkRequest) (BulkAnswer, error) {
	if before, err := a.begunBefore(ctx, who, bulkOfJobs, b); before.Begun != nil || err != nil {
		return before, err
	}
	c, err := a.jobsOf(ctx, who, b)
	if err != nil {
		return BulkAnswer{}, err
	}
	return a.beginBulk(ctx, who, bulkOfJobs, b, c)
}

// jobsOf gives the jobs of a selection.
func (a *API) jobsOf(ctx context.Context, who change.Caller, b BulkRequest) (selection, error) {
	if b.Filter != nil {
		return a.filtered(ctx, who, b.Filter)
	}
	ids, err := bulkOfJobs.ids(b.IDs)
	if err != nil {
		return selection{}, err
	}
	return a.revisions(ctx, who, ids)
}

// filtered fixes which jobs a filter means, in the order of a list, and at which
// revisions. One that was changed while they were read is what it was read as, if the
// filter means that still.
func (a *API) filtered(ctx context.Context, who change.Caller, values url.Values) (c selection, err error) {
	before, err := a.selectJobs(ctx, who, values)
	if err != nil {
		return c, err
	}
	read, err := a.revisions(ctx, who, before)
	if err != nil {
		return c, err
	}
	after, err := a.selectJobs(ctx, who, values)
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
func (a *API) selectJobs(ctx context.Context, who change.Caller, values url.Values) ([]string, error) {
	if err := a.Jobs.Refresh(ctx); err != nil {
		return nil, err
	}
	f, err := jobFilter(who, wire.ReadValues(values, jobFilterKeys...))
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
