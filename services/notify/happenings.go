package notify

import (
	"context"
	"fmt"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// ended handles the end of a run.
func (o *observer) ended(ctx context.Context, m *jet.Delivery) (time.Duration, error) {
	ev, err := m.RunEvent()
	if err != nil {
		return 0, unreadable{err}
	}
	w, err := o.job(ctx, ev.JobID, ev.Status == events.ERROR)
	if w == nil || err != nil {
		return 0, err
	}
	if !ev.Cancelled() { // who cancelled it knows
		err = move(ctx, o.bus, endOfRun(ev, m.Time))
	}
	if err != nil || w.p.Options.TooLongAfter < 0 {
		return 0, err
	}
	long, _, err := o.bus.Condition(ctx, ev.JobID, events.AboutLength)
	if err != nil || long.Well() || long.FlowJobID != ev.FlowJobID {
		return 0, err
	}
	return 0, move(ctx, o.bus, events.Notification{
		JobID: ev.JobID, About: events.AboutLength, State: events.Recovered, At: m.Time, TriggerID: ev.TriggerID, FlowJobID: ev.FlowJobID,
		Message: "the run ended after " + ev.At.Sub(ev.StartedAt).Round(time.Second).String(),
	})
}

// firstCheck is when a run that has started is checked first: most have ended by then.
const firstCheck = time.Minute

// started handles the start of a run: it is redelivered until the run has ended, and the broker keeps when.
func (o *observer) started(ctx context.Context, m *jet.Delivery) (time.Duration, error) {
	ev, err := m.RunEvent()
	if err != nil {
		return 0, unreadable{err}
	}
	w, err := o.job(ctx, ev.JobID, false)
	if w == nil || err != nil || w.p.Options.TooLongAfter < 0 {
		return 0, err
	}
	limit, age := w.p.Options.TooLongAfter, time.Since(m.Time)
	if age < limit && m.Deliveries == 1 {
		return min(limit-age, firstCheck), nil
	}
	last, _, err := o.bus.LastRunEvent(ctx, ev.JobID, ev.FlowJobID)
	if err != nil || last.Phase == events.Ended || last.Phase == events.Retrying || last.Attempt > ev.Attempt {
		return 0, err
	}
	if age < limit {
		return min(limit-age, max(age, firstCheck)), nil
	}
	err = move(ctx, o.bus, events.Notification{
		JobID: ev.JobID, About: events.AboutLength, State: events.TooLong, At: time.Now(), TriggerID: ev.TriggerID, FlowJobID: ev.FlowJobID,
		OutputFolder: ev.OutputFolder,
		Message:      fmt.Sprintf("the run goes on since %s, which is longer than %s", ev.At.UTC().Format(time.RFC3339), limit),
	})
	return min(max(age/4, firstCheck), 10*time.Minute), err
}

// called handles the result of a call.
func (o *observer) called(ctx context.Context, m *jet.Delivery) (time.Duration, error) {
	if m.Status() == events.OK {
		if w, known := o.jobs.find(m.JobID()); known && w == nil {
			return 0, nil // spares reading most results
		}
	}
	r, err := m.Result()
	if err != nil {
		return 0, unreadable{err}
	}
	if r.Outcome == events.OutcomeCancelled {
		return 0, nil // who cancelled it knows
	}
	failed := r.Status == events.ERROR
	w, err := o.job(ctx, r.JobID, failed)
	if w == nil || err != nil {
		return 0, err
	}
	if failed || !o.ends {
		dead := false
		if failed { // a dead letter is stored before its result
			if dead, err = o.bus.HasDead(ctx, r); err != nil {
				return 0, err
			}
		}
		if err := move(ctx, o.bus, endOfCall(r, m.Time, dead)); err != nil {
			return 0, err
		}
	}
	if r.Kind != events.KindCron {
		return 0, nil
	}
	slots, _, err := o.bus.Condition(ctx, r.JobID, events.AboutSlots)
	if slot := r.Minute.Time(); err == nil && !slots.Well() && slot.After(slots.Slot) {
		err = move(ctx, o.bus, events.Notification{
			JobID: r.JobID, About: events.AboutSlots, State: events.Recovered, At: m.Time, TriggerID: r.TriggerID, Slot: slot,
		})
	}
	return 0, err
}

// judged handles a verdict on slots.
func (o *observer) judged(ctx context.Context, m *jet.Delivery) (time.Duration, error) {
	v, err := m.Verdict()
	if err != nil {
		return 0, unreadable{err}
	}
	if v.Verdict != events.VerdictMissed {
		return 0, nil
	}
	w, err := o.job(ctx, v.JobID, true)
	if w == nil || err != nil {
		return 0, err
	}
	from, to := v.From.Time(), v.To.Time()
	text := "the slot of " + from.Format(time.RFC3339)
	if to.After(from) {
		text = "the slots from " + from.Format(time.RFC3339) + " to " + to.Format(time.RFC3339)
	}
	return 0, move(ctx, o.bus, events.Notification{
		JobID: v.JobID, About: events.AboutSlots, State: events.Missed, At: m.Time, Slot: to, TriggerID: v.TriggerID, Message: text + ": " + v.Reason,
	})
}
