package change

import (
	"context"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// maxTries bounds how often a change is decided again because the job was changed
// in between.
const maxTries = 10

// decision says what becomes of a job as its last event left it: what happens
// and the job afterwards, or "" when nothing does.
type decision func(events.JobRevision) (events.Change, events.Job, error)

// update stores what decide makes of a job, and gives the job as it is then.
func (j *Jobs) update(ctx context.Context, who Caller, id string, decide decision) (events.JobRevision, error) {
	for range maxTries {
		rev, err := j.Find(ctx, who, id)
		if err != nil {
			return rev, err
		}
		change, job, err := decide(rev)
		if err != nil || change == "" {
			return rev, err
		}
		next, err := j.put(ctx, who, change, job, rev)
		if jet.IsConflict(err) {
			continue
		}
		if err == nil {
			j.Log.Info("job changed", "job_id", id, "change", string(change), "user", who.Owner)
		}
		return next, err
	}
	return events.JobRevision{}, events.Faultf(events.Conflict, "job_id", "others keep changing this job: try again")
}

// kept is how many events JOBS keeps of a job.
const kept = 64

// put stores one event of a job that is at a revision. From the event on that
// makes it what it is, its slots are its own.
func (j *Jobs) put(ctx context.Context, who Caller, change events.Change, job events.Job, at events.JobRevision) (events.JobRevision, error) {
	if who.Owner == job.Username && change != events.JobDeleted {
		job.Role = who.Role
	}
	ev := who.event(change, job)
	if change == events.JobDisabled && job.Disabled != nil {
		ev.Reason = job.Disabled.Reason
	}
	if change != events.JobDeleted && ev.Job.EffectiveFrom.IsZero() {
		ev.Job.EffectiveFrom = ev.At
	}
	if at.Seq > 0 && change != events.JobDeleted {
		ev.Before, ev.Older = at.Bytes(), at.Event.Older+1
		if ev.Older >= kept { // one of them goes, of which only the average is known
			ev.Before -= ev.Before / int64(ev.Older)
			ev.Older = kept - 1
		}
	}
	next := events.JobRevision{Event: ev, Size: ev.Size()}
	settle, err := j.charge(who, change, next, at)
	if err != nil {
		return next, err
	}
	next.Seq, err = j.Store.PutJob(ctx, ev, at.Seq)
	settle(next, err)
	if jet.IsFull(err) {
		err = events.Faultf(events.Full, "", "there is no room for more jobs, nor for more of their history: delete some that are not needed; jobs can still be disabled")
	}
	return next, err
}

// charge holds what makes jobs larger to the quota of their owner. What takes
// away is always allowed, and so is what administrators do.
func (j *Jobs) charge(who Caller, change events.Change, next, at events.JobRevision) (settle func(events.JobRevision, error), err error) {
	if j.Owners == nil || who.Role == events.Admin || change == events.JobDisabled || change == events.JobDeleted {
		return func(events.JobRevision, error) {}, nil
	}
	jobs := 0
	if change == events.JobCreated {
		jobs = 1
	}
	return j.Owners.Charge(next.Event.Job.Username, next.Event.Job.ID, jobs, next.Bytes()-at.Bytes())
}
