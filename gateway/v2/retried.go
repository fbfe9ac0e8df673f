package v2

import (
	"context"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Retried is a dead letter that was queued again, and has no result since.
type Retried struct {
	TriggerID string
	JobID     string
	Slot      time.Time // of the schedule
	File      *File     // that came
	Since     time.Time
}

// ListRetried gives the newest dead letters that were queued again, at most so many, by the
// filter that a list of dead letters has; what they died of is not kept with them.
func (a *API) ListRetried(ctx context.Context, who change.Caller, values url.Values, most int) (list []Retried, err error) {
	f, err := readDeadFilter(wire.QueryOf(values), "", who)
	if err == nil && f.jobID != "" {
		_, err = a.Changes.Find(ctx, who, f.jobID)
	}
	if err != nil {
		return nil, err
	}
	looked := 0
	err = a.Bus.Triggers(events.KindRetry, f.jobID).Newest(ctx, 0, func(m jet.Entry[events.Trigger]) bool {
		if looked++; looked > wire.MaxLimit {
			return false
		}
		t, err := m.Value()
		job, ok := a.Jobs.Job(t.JobID)
		if err != nil || !ok || f.owner != "" && job.Username != f.owner {
			return true
		}
		r := Retried{TriggerID: t.ID, JobID: t.JobID, File: showFile(t.File), Since: m.Time.UTC()}
		if t.Minute != 0 {
			r.Slot = t.Minute.Time()
		}
		list = append(list, r)
		return len(list) < most
	})
	return list, err
}
