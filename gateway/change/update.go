package change

import (
	"context"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// maxTries bounds how often a change is decided anew because somebody else
// changed the job in between.
const maxTries = 10

// Decide says what becomes of a job as its last event left it: what happens
// and the job afterwards, or "" when nothing does.
type Decide func(jet.JobRevision) (events.Change, events.Job, error)

// Update stores what decide makes of a job, and gives the job as it is then.
func (j *Jobs) Update(ctx context.Context, who Caller, id string, decide Decide) (jet.JobRevision, error) {
	for range maxTries {
		rev, err := j.Find(ctx, who, id)
		if err != nil {
			return rev, err
		}
		change, job, err := decide(rev)
		if err != nil || change == "" {
			return rev, err
		}
		next, err := j.put(ctx, who, change, job, rev.Seq)
		if jet.IsConflict(err) {
			continue
		}
		if err == nil {
			j.Log.Info("job changed", "job_id", id, "change", string(change), "user", who.Owner)
		}
		return next, err
	}
	return jet.JobRevision{}, events.Faultf(events.Conflict, "job_id", "others keep changing this job: try again")
}

// put stores one event of a job that is at revision expect. From the event on
// that makes it what it is, its slots are its own.
func (j *Jobs) put(ctx context.Context, who Caller, change events.Change, job events.Job, expect uint64) (jet.JobRevision, error) {
	if who.Owner == job.Username && change != events.JobDeleted {
		job.Role = string(who.Role)
	}
	ev := who.event(change, job)
	if change != events.JobDeleted && ev.Job.EffectiveFrom.IsZero() {
		ev.Job.EffectiveFrom = ev.At
	}
	seq, err := j.Store.PutJob(ctx, ev, expect)
	if jet.IsFull(err) {
		err = events.Faultf(events.Full, "", "there is no room for more jobs: delete some that are not needed")
	}
	return jet.JobRevision{Seq: seq, Event: ev}, err
}
