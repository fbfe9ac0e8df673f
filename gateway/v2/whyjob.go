package v2

import (
	"context"

	"spool.internal/events"
	"spool.internal/events/why"
)

// now explains how the job stands.
func (x *explained) now(ctx context.Context) (why.Answer, error) {
	f := x.facts()
	if err := x.standsNow(ctx, &f); err != nil {
		return why.Answer{}, err
	}
	return x.at.Job(f), nil
}

func (x *explained) standsNow(ctx context.Context, f *why.Facts) error {
	states, err := x.Bus.JobStates(ctx, x.job.ID)
	if err != nil {
		return err
	}
	if x.job.Status == events.Disabled {
		if f.Verdict = events.VerdictDisabled; x.plan != nil && x.plan.Options.Shadow {
			f.Verdict = events.VerdictShadow
		}
		disabledBy(f, events.JobEvent{Job: x.job})
		waits, err := x.waits(ctx, x.job)
		if waits != nil {
			f.Waiting = waits.Files + waits.Triggers + waits.Runs
		}
		return err
	}
	if x.watches() {
		if f.Folder = why.FolderOf(states.Watch); f.Folder == nil {
			f.State = events.FileNoFolder
		}
	} else if x.plan != nil && x.plan.Slots != nil {
		f.Next, f.Reboot = x.plan.Slots.Next(x.at.Now), x.plan.Slots.Reboot()
	}
	err = x.eachResult(ctx, x.job.ID, func(_ uint64, r events.Result) bool {
		next := f.Next
		if err = x.ran(ctx, f, r); f.Next.IsZero() {
			f.Next = next
		}
		return false
	})
	if s := states.Retry; s != nil && err == nil {
		f.TriggerID, f.Attempts, f.LastError, f.Next, f.Waiting = s.TriggerID, s.Attempt, s.LastError, s.Next.UTC(), s.Waiting
		if !s.Gate.IsZero() {
			f.Gate, f.Since = s.LastError, s.Gate.UTC()
		}
	}
	return err
}
