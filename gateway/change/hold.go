package change

import (
	"context"
	"time"

	"spool.internal/events"
)

// Hold disables a job in the name of [events.HoldAfter] when why gives a reason for
// the job as it is then; it is asked again when the job is changed meanwhile.
func (j *Jobs) Hold(ctx context.Context, id string, why func(events.Job) (string, error)) error {
	var reason string
	held, err := j.byItself(ctx, events.HoldAfter, id, func(job events.Job) (events.Change, events.Job, error) {
		var err error
		if reason, err = why(job); err != nil || reason == "" {
			return "", job, err
		}
		job.Status, job.Disabled = events.Disabled, &events.Disabling{By: events.HoldAfter, At: time.Now().UTC(), Reason: reason}
		return events.JobDisabled, job, nil
	})
	if held {
		j.Log.Warn("a job is disabled", "job_id", id, "reason", reason)
	}
	return err
}

// EnableDue enables a job in the name of [events.ByUntil] if it is disabled until a time
// that has come: of several that do so at once one does it. Whoever has enabled it or
// disabled it anew meanwhile has the last word.
func (j *Jobs) EnableDue(ctx context.Context, id string, now time.Time) error {
	enabled, err := j.byItself(ctx, events.ByUntil, id, func(job events.Job) (events.Change, events.Job, error) {
		if d := job.Disabled; job.Status != events.Disabled || d == nil || d.Until.IsZero() || d.Until.After(now) {
			return "", job, nil
		}
		job.Status, job.Disabled = events.Enabled, nil
		job.EffectiveFrom = time.Time{} // from now on
		return events.JobEnabled, job, nil
	})
	if enabled {
		j.Log.Info("a job is enabled", "job_id", id, "reason", "the time has come until which it was disabled")
	}
	return err
}

// byItself stores what decide makes of a job, in the name of a duty and not of a user,
// and reports whether it did.
func (j *Jobs) byItself(ctx context.Context, by, id string, decide func(events.Job) (events.Change, events.Job, error)) (did bool, err error) {
	for range maxTries {
		rev, err := j.Store.Job(ctx, id)
		if events.CodeOf(err) == events.NotFound {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		change, job, err := decide(rev.Event.Job)
		if err != nil || change == "" {
			return false, err
		}
		_, err = j.put(ctx, Caller{Token: events.Token{Owner: by}, itself: true}, change, job, rev)
		if conflicts(err) {
			continue
		}
		return err == nil, err
	}
	return false, events.Faultf(events.Conflict, "job_id", "others keep changing this job: try again")
}
