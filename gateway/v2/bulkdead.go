package v2

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/sorting"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// maxGroups is how many groups of dead letters are shown.
const maxGroups = 100

// DeadGroup is the dead letters of one job with one error.
type DeadGroup struct {
	JobID  string    `json:"job_id"`
	Name   string    `json:"name"`
	Error  string    `json:"error"`
	Count  int       `json:"count"`
	Newest time.Time `json:"newest"`
}

// eachDead calls f with the dead letters that a filter means, those of one job behind
// those of another, each oldest first; whole is false when there were more than are read.
func (a *API) eachDead(ctx context.Context, letters jet.View[events.DeadLetter], f deadFilter, most int, take func(events.DeadLetter)) (whole bool, err error) {
	looked := 0
	err = letters.Since(ctx, f.since, func(m jet.Entry[events.DeadLetter]) bool {
		if looked++; looked > most {
			return false
		}
		if d, err := m.Value(); err == nil && f.admits(d) {
			take(d)
		}
		return true
	})
	return looked <= most, err
}

// groupDead counts dead letters, by job and error.
func (a *API) groupDead(ctx context.Context, letters jet.View[events.DeadLetter], f deadFilter) (of total, groups []DeadGroup, err error) {
	type alike struct{ jobID, error string }
	at := map[alike]*DeadGroup{}
	of.Exact, err = a.eachDead(ctx, letters, f, deadLooked, func(d events.DeadLetter) {
		of.Count++
		key := alike{d.Trigger.JobID, d.Result.Error()}
		g := at[key]
		if g == nil {
			job, _ := a.Jobs.Job(key.jobID)
			g = &DeadGroup{JobID: key.jobID, Name: job.Name, Error: key.error}
			at[key] = g
		}
		g.Count++
		if d.At.After(g.Newest) {
			g.Newest = d.At.UTC()
		}
	})
	if err != nil {
		return of, nil, err
	}
	for _, g := range at {
		groups = append(groups, *g)
	}
	sorting.By(groups, func(x, y DeadGroup) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), y.Newest.Compare(x.Newest), cmp.Compare(x.JobID+x.Error, y.JobID+y.Error))
	})
	return of, groups[:min(len(groups), maxGroups)], nil
}

var bulkOfDead = bulkForm{
	of: events.BulkDeadLetters, path: Prefix + "dead-letters/bulk",
	actions: []events.BulkAction{events.BulkRetry, events.BulkDrop},
	words:   deadWords,
	id: func(text string) (string, bool) {
		seq, err := strconv.ParseUint(text, 10, 64)
		return text, err == nil && seq > 0 && strconv.FormatUint(seq, 10) == text
	},
}

// BulkDead counts dead letters, or has those retried or dropped that were counted.
func (a *API) BulkDead(ctx context.Context, who change.Caller, b BulkRequest) (BulkAnswer, error) {
	if before, err := a.begunBefore(ctx, who, bulkOfDead, b); before.Begun != nil || err != nil {
		return before, err
	}
	c, err := a.deadSelected(ctx, who, b)
	if err != nil {
		return BulkAnswer{}, err
	}
	return a.beginBulk(ctx, who, bulkOfDead, b, c)
}

// deadSelected gives the dead letters of a selection, oldest first.
func (a *API) deadSelected(ctx context.Context, who change.Caller, b BulkRequest) (c selection, err error) {
	var meant []events.DeadLetter
	if b.Filter != nil {
		meant, err = a.deadByFilter(ctx, who, wire.QueryOf(placed(b.Filter)))
	} else {
		var ids []string
		if ids, err = bulkOfDead.ids(b.IDs); err == nil {
			meant, err = a.deadByID(ctx, who, ids)
		}
	}
	if err != nil {
		return c, err
	}
	sorting.By(meant, func(x, y events.DeadLetter) int { return cmp.Compare(x.Seq, y.Seq) })
	for _, d := range meant {
		job, _ := a.Jobs.Job(d.Trigger.JobID)
		if err := c.take(events.BulkItem{ID: strconv.FormatUint(d.Seq, 10), Seq: d.Seq}, job.Name); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (a *API) deadByID(ctx context.Context, who change.Caller, ids []string) (meant []events.DeadLetter, err error) {
	for _, id := range ids {
		d, _, err := a.findDead(ctx, who, id)
		switch {
		case err == nil:
			meant = append(meant, d)
		case events.CodeOf(err) != events.NotFound:
			return nil, err
		}
	}
	return meant, nil
}

func (a *API) deadByFilter(ctx context.Context, who change.Caller, q *wire.Query) (meant []events.DeadLetter, err error) {
	f, err := readDeadFilter(q, filterField+".", who)
	if err != nil {
		return nil, err
	}
	letters, err := a.deadOf(ctx, who, f)
	if err != nil {
		return nil, err
	}
	whole, err := a.eachDead(ctx, letters, f, events.MaxBulk, func(d events.DeadLetter) {
		meant = append(meant, events.DeadLetter{Seq: d.Seq, Trigger: events.Trigger{JobID: d.Trigger.JobID}})
	})
	if err == nil && !whole {
		err = events.Faultf(events.Invalid, "select.filter", "there are more than %d dead letters to look at: name a job_id or a later since", events.MaxBulk)
	}
	return meant, err
}

// DoDead retries or drops one dead letter of many; it is a [bulk.Do].
func (a *API) DoDead(ctx context.Context, who change.Caller, b events.Bulk, item events.BulkItem, again bool) error {
	d, job, err := a.findDead(ctx, who, item.ID)
	switch {
	case events.CodeOf(err) == events.NotFound && again:
		return nil // retried or dropped, by the worker that has ended or somebody else
	case events.CodeOf(err) == events.NotFound:
		return events.Faultf(events.NotFound, "", "changed: it was retried or dropped meanwhile")
	case err != nil:
		return err
	case b.Action == events.BulkDrop:
		return a.drop(ctx, who, d)
	}
	if again {
		known, err := a.Bus.Triggered(ctx, events.KindRetry, events.Trigger{ID: d.Trigger.ID, JobID: d.Trigger.JobID, At: b.Started})
		if err != nil {
			return err
		}
		if known {
			return a.drop(ctx, who, d)
		}
	}
	return a.retry(ctx, who, d, job)
}
