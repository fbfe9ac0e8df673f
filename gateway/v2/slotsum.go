package v2

import (
	"context"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/schedule"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v2/slots"
	"spool.internal/gateway/wire"
)

// summaryBack is how far slots are counted unless it is said.
const summaryBack = 35 * 24 * time.Hour

// SlotSummary counts what became of the slots of a job, by hours or days.
type SlotSummary struct {
	Bucket    slots.Width    `json:"bucket"`
	Timezone  string         `json:"timezone"`
	KnownFrom time.Time      `json:"known_from"`
	Buckets   []slots.Bucket `json:"buckets"`
	Next      string         `json:"next_page_token,omitempty"`
}

// SummarizeSlots counts what became of the slots of a job.
func (a *API) SummarizeSlots(ctx context.Context, who change.Caller, id string, values url.Values) (answer SlotSummary, err error) {
	q, now := wire.ReadValues(values, "from", "to", "bucket", "zone", "limit", "page_token"), time.Now()
	to := q.Time("to", now)
	from := q.Time("from", to.Add(-summaryBack))
	sum := slots.Sum{Width: slots.Width(q.OneOf("bucket", string(slots.Hour), string(slots.Day))), Limit: q.Limit(wire.MaxLimit)}
	if sum.Width == "" {
		sum.Width = slots.Day
	}
	told, _ := q.After()
	switch {
	case to.Before(from):
		q.Fail("to", "is before from: exchange them, or leave one out")
	case to.Sub(from) > year:
		q.Fail("from", "is more than 366 days before to: ask for less at once")
	}
	if name := q.Text("zone"); name != "" {
		if sum.Zone, err = schedule.LoadLocation(name); err != nil {
			q.Fail("zone", err.Error())
		}
	}
	if q.Err() != nil {
		return answer, q.Err()
	}
	rev, err := a.Changes.Find(ctx, who, id)
	if err != nil {
		return answer, err
	}
	if sum.Zone == nil {
		sum.Zone = a.explain(who, rev.Event.Job).at.Zone
	}
	from, _ = sum.Width.Around(from.In(sum.Zone))
	first := events.MinuteOf(from.Add(-time.Nanosecond)) // from is inclusive
	sum.After, sum.To = max(first, events.Minute(min(told, 1<<40))), events.MinuteOf(earlier(to, now))
	if err := a.sum(ctx, rev.Event.Job.ID, &sum); err != nil {
		return answer, err
	}
	answer = SlotSummary{Bucket: sum.Width, Timezone: sum.Zone.String(), KnownFrom: max(sum.Timeline.Since(), sum.Facts.Since).Time()}
	var next events.Minute
	if answer.Buckets, next = sum.Buckets(); next > 0 {
		answer.Next = wire.PageToken(next, "")
	}
	return answer, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// sum reads what a summary is made of, in the order in which it comes about.
func (a *API) sum(ctx context.Context, jobID string, sum *slots.Sum) error {
	clock, _, err := a.Bus.Clock(ctx)
	if err != nil {
		return err
	}
	if sum.Timeline, err = a.books().Timeline(ctx, jobID); err != nil {
		return err
	}
	sum.Facts = slots.Facts{JobID: jobID, Clock: clock}
	if err := a.books().Facts(ctx, slots.Page{After: sum.After, To: sum.To}, &sum.Facts); err != nil {
		return err
	}
	sum.Outcomes, err = a.outcomes(ctx, jobID, sum.After, sum.To)
	return err
}

// outcomes gives the outcome of each trigger of a slot in (after, to] that has a result.
func (a *API) outcomes(ctx context.Context, jobID string, after, to events.Minute) (map[string]events.Outcome, error) {
	results := map[string]events.Result{}
	err := a.Bus.Results(jobID).Since(ctx, after.Time().Add(-2*time.Minute), func(m jet.Entry[events.Result]) bool {
		if r, err := m.Value(); err == nil && r.Minute > after && r.Minute <= to {
			results[r.TriggerID] = r
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	var runs jet.View[events.RunEvent]
	for _, r := range results {
		if r.Outcome == events.OutcomeWaiting || r.Outcome == "" && events.IsToken(r.FlowJobID) {
			for _, p := range []events.Phase{events.Accepted, events.Started, events.Retrying, events.Ended} {
				runs = runs.And(a.Bus.Run(p, jobID, r.FlowJobID))
			}
		}
	}
	newest := map[string]*events.RunEvent{}
	err = runs.LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
		ev, err := m.Value()
		if err == nil && (newest[ev.FlowJobID] == nil || !ev.At.Before(newest[ev.FlowJobID].At)) {
			newest[ev.FlowJobID] = &ev
		}
	})
	outcomes := map[string]events.Outcome{}
	for id, r := range results {
		outcomes[id] = r.OutcomeNow(newest[r.FlowJobID], time.Now())
	}
	return outcomes, err
}
