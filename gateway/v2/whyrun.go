package v2

import (
	"context"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/why"
)

// newest reads the newest result of a trigger that was stored at a time or later.
func (x *explained) newest(ctx context.Context, triggerID string, since time.Time) (res events.Result, found bool, err error) {
	err = x.Bus.Results(x.job.ID).Since(ctx, since, func(m jet.Entry[events.Result]) bool {
		if m.TriggerID() != triggerID {
			return true
		}
		if r, err := m.Value(); err == nil {
			res, found = r, true
		}
		return !found || res.Status == events.ERROR // what was given up may have been tried again
	})
	return res, found, err
}

// ran adds what became of an execution that has a result.
func (x *explained) ran(ctx context.Context, f *why.Facts, res events.Result) error {
	shown, err := x.show(ctx, []events.Result{res})
	if err != nil {
		return err
	}
	ranAs(f, shown[0], res)
	return nil
}

// ranAs takes the facts out of a result as it is shown.
func ranAs(f *why.Facts, shown Result, res events.Result) {
	f.TriggerID, f.Kind, f.Triggered, f.By = res.TriggerID, res.Kind, res.TriggeredAt.UTC(), res.By
	f.Outcome, f.Attempts, f.Called, f.Ended = shown.Outcome, res.Attempts, res.StartedAt.UTC(), shown.Ended
	if d := res.Down; d != nil {
		f.Down = &why.Span{From: d.From.UTC(), To: d.To.UTC()}
	}
	if res.Status == events.ERROR {
		f.How = res.HTTP.Why()
	}
	run := shown.Run
	if run == nil {
		return
	}
	f.How, f.Started, f.Ended, f.Duration, f.Outputs, f.Next = run.Message, run.Started, run.Ended, run.DurationMS, run.OutputCount, run.Next
	if run.State == "pending" || run.machine != "" {
		f.Reason = run.Waits
	}
}

// retrying adds what a dispatcher says of a trigger that waits for its call.
func (x *explained) retrying(ctx context.Context, f *why.Facts, stored time.Time) error {
	states, err := x.Bus.JobStates(ctx, x.job.ID)
	if err != nil {
		return err
	}
	retryingAs(f, states.Retry)
	if f.Attempts > 0 && x.plan != nil {
		f.GivesUp = stored.Add(x.plan.RetryFor(f.Kind)).UTC()
	}
	return nil
}

// retryingAs takes the facts about one trigger out of the state of its job.
func retryingAs(f *why.Facts, s *events.RetryState) {
	if s == nil {
		return
	}
	for _, t := range append(s.Triggers, events.RetryTrigger{TriggerID: s.TriggerID, Attempt: s.Attempt, LastError: s.LastError, Next: s.Next}) {
		if t.TriggerID == f.TriggerID {
			f.Attempts, f.LastError, f.Next, f.Called = t.Attempt, t.LastError, t.Next.UTC(), t.Last.UTC()
			break
		}
	}
}

// blockedBy adds the run that had not ended when a trigger was skipped.
func (x *explained) blockedBy(ctx context.Context, f *why.Facts, v events.Verdict) error {
	if v.Blocker == "" {
		return nil
	}
	f.Blocker = &why.Run{TriggerID: v.Blocker}
	since := v.From.Time().AddDate(0, 0, -8) // a lease lasts no longer
	if minute, ok := slotOfTrigger(v.Blocker); ok {
		f.Blocker.Slot = minute.Time()
		since = minute.Time().Add(-2 * time.Minute)
	}
	res, found, err := x.newest(ctx, v.Blocker, since)
	if err != nil || !found {
		return err
	}
	shown, err := x.show(ctx, []events.Result{res})
	if err != nil {
		return err
	}
	if res.File != nil {
		f.Blocker.Path = res.File.Path
	}
	if run := shown[0].Run; run != nil {
		f.Blocker.Started, f.Blocker.Duration = run.Started, run.DurationMS
	}
	return nil
}

// slotOfTrigger reads the slot out of the identity of a trigger.
func slotOfTrigger(id string) (events.Minute, bool) {
	parts := strings.Split(id, ":")
	if len(parts) != 3 || parts[0] != string(events.KindCron) {
		return 0, false
	}
	n, err := strconv.ParseInt(parts[2], 10, 64)
	return events.Minute(n), err == nil
}
