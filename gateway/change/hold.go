package change

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Hold disables a job in the name of [events.HoldAfter] when why gives a reason for
// the job as it is then; it is asked again when the job is changed meanwhile.
func (j *Jobs) Hold(ctx context.Context, id string, why func(events.Job) (string, error)) error {
	for range maxTries {
		rev, err := j.Store.Job(ctx, id)
		if events.CodeOf(err) == events.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		job := rev.Event.Job
		reason, err := why(job)
		if err != nil || reason == "" {
			return err
		}
		// It has the job's role, so that an owner of that name is given none by it.
		who := Caller{Token: events.Token{Owner: events.HoldAfter, Role: job.Role}}
		job.Status, job.Disabled = events.Disabled, &events.Disabling{By: who.Owner, At: time.Now().UTC(), Reason: reason}
		_, err = j.put(ctx, who, events.JobDisabled, job, rev)
		if jet.IsConflict(err) {
			continue
		}
		if err == nil {
			j.Log.Warn("a job is disabled", "job_id", id, "reason", reason)
		}
		return err
	}
	return events.Faultf(events.Conflict, "job_id", "others keep changing this job: try again")
}
