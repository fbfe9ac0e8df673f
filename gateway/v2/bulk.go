package v2

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/sorting"
	"spool.internal/events/spelling"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Bounds of a rerun by filter: what one request runs again, and how many results it
// looks at.
const (
	maxRerun  = 1000
	maxLooked = 200_000
)

// bulkFilter says which executions are meant.
type bulkFilter struct {
	outcome      events.Outcome
	jobID, owner string // owner: "" = everybody's
	since, until time.Time
}

// bulkAnswer is what a rerun by filter does, or would.
type bulkAnswer struct {
	Count   int           `json:"count"`             // executions that the filter means
	Queued  int           `json:"queued"`            // of these, run again by this request
	Skipped []bulkSkipped `json:"skipped"`           // those that cannot be, of the first maxRerun
	Left    int           `json:"left"`              // those that another request has to run again
	Stopped string        `json:"stopped,omitempty"` // why it queued no more
}

type bulkSkipped struct {
	TriggerID string `json:"trigger_id"`
	Message   string `json:"message"`
}

// candidate is the newest execution of what was executed once or more.
type candidate struct {
	events.Result
	place time.Time // of the first, in the order in which they are run again
}

// rerunMany runs executions again by a filter. Without `expect` it only counts; with
// it, nothing is run again when the count has become another.
func (a *API) rerunMany(w http.ResponseWriter, r *http.Request) error {
	who := a.Caller(r)
	f, expect, err := readBulk(r, who)
	if err != nil {
		return err
	}
	all, err := a.meant(r.Context(), who, f)
	if err != nil {
		return err
	}
	answer := bulkAnswer{Count: len(all), Skipped: []bulkSkipped{}}
	status := http.StatusOK
	switch {
	case expect == nil:
		for _, c := range all[:min(len(all), maxRerun)] {
			if err := a.mayRerun(who, c); err != nil {
				answer.skip(c, err)
			}
		}
	case *expect != len(all):
		return wire.Refuse(http.StatusConflict, events.Conflict, "expect", "is %d, and the filter means %d executions now: nothing was run again", *expect, len(all))
	default:
		status = http.StatusAccepted
		if err := a.rerunAll(r.Context(), who, all[:min(len(all), maxRerun)], &answer); err != nil {
			return err
		}
		a.Log.Info("executions are run again", "count", answer.Count, "queued", answer.Queued, "user", who.Owner)
	}
	answer.Left = answer.Count - answer.Queued - len(answer.Skipped)
	wire.Write(w, status, answer)
	return nil
}

// rerunAll queues executions in their order. When there is no room for one, the
// others are left to another request: so their order stays.
func (a *API) rerunAll(ctx context.Context, who change.Caller, list []candidate, answer *bulkAnswer) error {
	for _, c := range list {
		err := a.mayRerun(who, c)
		if err == nil {
			_, err = a.Changes.RerunOnce(ctx, who, c.Result)
		}
		switch code := events.CodeOf(err); {
		case err == nil:
			answer.Queued++
		case code == events.NotFound, code == events.Forbidden, code == events.Invalid, code == events.Conflict:
			answer.skip(c, err)
		case answer.Queued == 0:
			return err
		default:
			answer.Stopped = err.Error()
			return nil
		}
	}
	return nil
}

func (b *bulkAnswer) skip(c candidate, err error) {
	b.Skipped = append(b.Skipped, bulkSkipped{c.TriggerID, err.Error()})
}

// mayRerun says why an execution cannot be run again by this caller, as [API.rerun]
// says it of one.
func (a *API) mayRerun(who change.Caller, c candidate) error {
	job, ok := a.Jobs.Job(c.JobID)
	if !ok || !who.MaySee(job.Username) {
		return noSuchResult()
	}
	if err := who.Reaches(job); err != nil {
		return err
	}
	if err := who.Access().CheckFile(c.File); err != nil {
		return err
	}
	return a.staged(c.File)
}

// meant finds the executions that a filter means, in the order of their slots, and of
// what has none of their first triggers. Of what was run again the newest execution
// alone is looked at, so that what has succeeded meanwhile is not meant.
func (a *API) meant(ctx context.Context, who change.Caller, f bulkFilter) ([]candidate, error) {
	if err := a.Jobs.Refresh(ctx); err != nil {
		return nil, err
	}
	if f.jobID != "" {
		if _, err := a.Changes.Find(ctx, who, f.jobID); err != nil {
			return nil, err
		}
	}
	newest, looked := map[string]candidate{}, 0
	err := a.Bus.Results(f.jobID).Since(ctx, f.since, func(m jet.Entry[events.Result]) bool {
		looked++
		r, err := m.Value()
		if err != nil {
			return looked <= maxLooked // of another version
		}
		job, ok := a.Jobs.Job(r.JobID)
		if !ok || !who.MaySee(job.Username) || f.jobID == "" && f.owner != "" && job.Username != f.owner {
			return looked <= maxLooked
		}
		key := r.Origin()
		if r.File != nil {
			key = r.JobID + " " + r.File.Fingerprint
		}
		c := candidate{r, r.TriggeredAt}
		c.HTTP = events.HTTPResult{} // it may be large
		if r.Kind == events.KindCron {
			c.place = r.Minute.Time()
		}
		if first, again := newest[key]; again {
			c.place = first.place
		}
		newest[key] = c
		return looked <= maxLooked
	})
	if err == nil && looked > maxLooked {
		err = events.Faultf(events.Invalid, "filter.since", "more than %d results have come since: name a job_id or a later time", maxLooked)
	}
	if err != nil {
		return nil, err
	}
	return a.withOutcome(ctx, newest, f)
}

// withOutcome picks those that came out as asked, in order.
func (a *API) withOutcome(ctx context.Context, newest map[string]candidate, f bulkFilter) ([]candidate, error) {
	var ends jet.View[events.RunEvent]
	for key, c := range newest {
		if c.TriggeredAt.Before(f.since) || !f.until.IsZero() && !c.TriggeredAt.Before(f.until) {
			delete(newest, key)
		} else if c.Status == events.OK && events.IsToken(c.FlowJobID) {
			ends = ends.And(a.Bus.Run(events.Ended, c.JobID, c.FlowJobID))
		}
	}
	ended := map[string]events.Outcome{}
	if err := ends.LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
		if ev, err := m.Value(); err == nil {
			ended[ev.FlowJobID] = ev.Judged()
		}
	}); err != nil {
		return nil, err
	}
	var list []candidate
	for _, c := range newest {
		outcome := events.OutcomeFailed
		if c.Status == events.OK {
			outcome = ended[c.FlowJobID]
		}
		if outcome == f.outcome {
			list = append(list, c)
		}
	}
	sorting.By(list, func(x, y candidate) int {
		return cmp.Or(x.place.Compare(y.place), cmp.Compare(x.TriggerID, y.TriggerID))
	})
	return list, nil
}

// readBulk reads {"filter": {…}, "expect": 12}.
func readBulk(r *http.Request, who change.Caller) (f bulkFilter, expect *int, err error) {
	body, err := wire.Body(r)
	if err != nil {
		return f, nil, err
	}
	o, err := events.ParseObject(body)
	if err != nil {
		return f, nil, err
	}
	values := url.Values{}
	for _, m := range o {
		switch m.Key {
		case "filter":
			err = fill(values, "filter", m.Value, "outcome", "job_id", "username", "since", "until")
		case "expect":
			if json.Unmarshal(m.Value, &expect) != nil || expect != nil && *expect < 0 {
				err = events.Faultf(events.Invalid, "expect", "must be how many executions the filter means, as counted before: a whole number")
			}
		default:
			err = wire.UnknownKey("", m.Key, spelling.Nearest(m.Key, []string{"filter", "expect"}))
		}
		if err != nil {
			return f, nil, err
		}
	}
	q := wire.QueryOf(values)
	outcomes := []string{string(events.OutcomeFailed), string(events.OutcomeCancelled), string(events.OutcomeOK)}
	f.outcome = events.Outcome(cmp.Or(q.OneOf("filter.outcome", outcomes...), outcomes[0]))
	f.jobID = q.Text("filter.job_id")
	f.since, f.until = q.Time("filter.since", time.Time{}), q.Time("filter.until", time.Time{})
	if f.jobID == "" && f.since.IsZero() {
		q.Fail("filter.since", "is required where no job_id is given: the time from which on executions were triggered")
	}
	if q.Err() != nil {
		return f, nil, q.Err()
	}
	f.owner, err = who.OwnerFor(q.Text("filter.username"))
	return f, expect, err
}

// fill takes strings out of an object whose keys are all known; field is where it stands.
func fill(values url.Values, field string, raw json.RawMessage, keys ...string) error {
	o, err := events.ParseObject(raw)
	if err != nil {
		return events.Faultf(events.Invalid, field, "must be an object")
	}
	for _, m := range o {
		if !slices.Contains(keys, m.Key) {
			return wire.UnknownKey(field+".", m.Key, spelling.Nearest(m.Key, keys))
		}
		var text string
		if json.Unmarshal(m.Value, &text) != nil {
			return events.Faultf(events.Invalid, field+"."+m.Key, "must be a string")
		}
		values.Set(field+"."+m.Key, text)
	}
	return nil
}
