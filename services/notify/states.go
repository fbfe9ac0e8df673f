package notify

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// states stores the states of jobs. A [jet.Bus] does.
type states interface {
	Condition(ctx context.Context, jobID, about string) (events.Notification, uint64, error)
	PutCondition(ctx context.Context, n events.Notification, expect uint64) error
}

// move makes n the state of its job in its respect, unless it is already, or a newer event has been seen. It is stored
// on condition that the state before is still the last: of several processes that see the same event, before and after
// a crash, one stores the change, and there is one notification.
func move(ctx context.Context, s states, n events.Notification) error {
	for {
		old, seq, err := s.Condition(ctx, n.JobID, n.About)
		if err != nil {
			return err
		}
		next, changes := step(old, n)
		if !changes {
			return nil
		}
		if err = s.PutCondition(ctx, next, seq); !jet.IsConflict(err) {
			return err
		}
	}
}

// step returns the state that follows when n is seen.
func step(old, n events.Notification) (next events.Notification, changes bool) {
	switch {
	case old.Well() && n.Well(), old.State == n.State:
		return old, false
	case !n.At.After(old.At):
		return old, false // it happened before the event that led to the current state
	}
	if n.Before = ""; !old.Well() {
		n.Before = old.State
	}
	n.At = n.At.UTC()
	return n, true
}

// endOfRun returns the state that follows from the end of a run.
func endOfRun(ev events.RunEvent, at time.Time) events.Notification {
	n := events.Notification{
		JobID: ev.JobID, About: events.AboutRun, State: events.Recovered, At: at, Message: ev.Message,
		TriggerID: ev.TriggerID, FlowJobID: ev.FlowJobID, OutputFolder: ev.OutputFolder,
	}
	if ev.Status == events.ERROR {
		n.State = events.Failed
	}
	return n
}

// endOfCall returns the state that follows from a call without a run.
func endOfCall(r events.Result, at time.Time, dead bool) events.Notification {
	n := events.Notification{
		JobID: r.JobID, About: events.AboutRun, State: events.Recovered, At: at, TriggerID: r.TriggerID, FlowJobID: r.FlowJobID, OutputFolder: r.OutputFolder,
	}
	if r.File != nil {
		n.File = r.File.Path
	}
	switch {
	case dead:
		n.State = events.Dead
	case r.Status == events.ERROR:
		n.State = events.Failed
	}
	if !n.Well() {
		n.Message = cutFront(r.HTTP.Why(), maxTail)
	}
	return n
}
