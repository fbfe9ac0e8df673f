package v2

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// mostNew bounds how many new jobs are counted.
const mostNew = 1000

// CountJobs counts the jobs that a query of [API.ListJobs] means, in each state and mode. It
// does not wait for what was changed a moment ago.
func (a *API) CountJobs(who change.Caller, values url.Values) (index.Counts, error) {
	f, err := readJobFilter(who, values)
	if err != nil {
		return index.Counts{}, err
	}
	return a.Index.Count(f, time.Now()), nil
}

// NewJobs counts the jobs that a query means and that were made after a time, up to 1,000.
func (a *API) NewJobs(who change.Caller, values url.Values, since time.Time) (int, error) {
	f, err := readJobFilter(who, values)
	if err != nil {
		return 0, err
	}
	var ids []string
	for j := range a.Jobs.Oldest(f.Owner, since.UnixNano(), "") {
		if ids = append(ids, j.ID); len(ids) == mostNew {
			break
		}
	}
	if len(ids) == 0 {
		return 0, nil
	}
	return a.Index.Meeting(f, ids, time.Now()), nil
}

// readJobFilter reads which jobs a query of a list means.
func readJobFilter(who change.Caller, values url.Values) (index.Filter, error) {
	q := wire.ReadValues(values, append([]string{"sort", "limit", "page_token"}, jobFilterKeys...)...)
	f, err := jobFilter(who, q)
	return f, cmp.Or(q.Err(), err)
}

// JobsByID gives jobs as a list shows them, and of those that are gone who deleted them.
// What the caller may not see is in neither.
func (a *API) JobsByID(ctx context.Context, who change.Caller, ids []string) (jobs []Job, gone map[string]events.JobEvent, err error) {
	if err := a.Jobs.Refresh(ctx); err != nil {
		return nil, nil, err
	}
	now := time.Now()
	var found []events.Job
	var rows []index.Row
	for _, id := range ids {
		j, ok := a.Jobs.Job(id)
		if !ok && uuid.Validate(id) == nil { // nothing else has a place in a subject
			rev, known, err := a.Changes.Store.LastJob(ctx, id)
			if err != nil {
				return nil, nil, err
			}
			if known && rev.Gone() && who.MaySee(rev.Event.Job.Username) {
				if gone == nil {
					gone = map[string]events.JobEvent{}
				}
				gone[id] = rev.Event
			}
		}
		if ok && who.MaySee(j.Username) {
			row, _ := a.Index.Row(id, now)
			found, rows = append(found, j), append(rows, row)
		}
	}
	jobs, err = a.rows(ctx, who, found, rows)
	return jobs, gone, err
}

// DueSoon gives those of a selection of jobs that run by themselves up to a time: how many, and
// the first of them.
func (a *API) DueSoon(ctx context.Context, who change.Caller, b BulkRequest, by time.Time) (int, []Named, error) {
	var ids []string
	var err error
	if b.Filter != nil {
		ids, err = a.selectJobs(ctx, who, b.Filter)
	} else {
		ids, err = bulkOfJobs.ids(b.IDs)
	}
	if err != nil {
		return 0, nil, err
	}
	n, first := 0, []Named{}
	for _, id := range a.Index.DueOf(ids, by, time.Now()) {
		j, ok := a.Jobs.Job(id)
		if !ok || !who.MaySee(j.Username) {
			continue
		}
		if n++; len(first) < shownFirst {
			first = append(first, Named{id, j.Name})
		}
	}
	return n, first, nil
}
