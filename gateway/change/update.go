package change

import (
	"context"
	"errors"
	"net/http"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
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
		if conflicts(err) {
			continue
		}
		if err == nil && !j.dry {
			j.Log.Info("job changed", "job_id", id, "change", string(change), "user", who.Owner)
		}
		return next, err
	}
	return events.JobRevision{}, events.Faultf(events.Conflict, "job_id", "others keep changing this job: try again")
}

// conflicts reports that somebody else was first, so that a change has to be decided
// again. A refusal is a decision.
func conflicts(err error) bool { return jet.IsConflict(err) && !wire.IsRefusal(err) }

// kept is how many events JOBS keeps of a job.
const kept = 64

// put stores one event of a job that is at a revision. From the event on that
// makes it what it is, its slots are its own.
func (j *Jobs) put(ctx context.Context, who Caller, change events.Change, job events.Job, at events.JobRevision) (events.JobRevision, error) {
	if who.Owner == job.Username && !who.itself && change != events.JobDeleted {
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
	if j.dry {
		settle(next, errDry)
		next.Seq = at.Seq
		return next, j.free(ctx, ev.Job, at.Event.Job.Key)
	}
	next.Seq, err = j.Store.PutKeyedJob(ctx, ev, at.Seq, at.Event.Job.Key)
	settle(next, err)
	if taken, ok := errors.AsType[*jet.KeyTaken](err); ok {
		return next, keyTaken(taken.Key, taken.JobID)
	}
	if jet.IsFull(err) {
		err = events.Faultf(events.Full, "", "there is no room for more jobs, nor for more of their history: delete some that are not needed; jobs can still be disabled")
	}
	return next, err
}

// errDry settles a charge for what is not stored.
var errDry = errors.New("nothing is stored")

// free says that the key that a job is to get is another job's.
func (j *Jobs) free(ctx context.Context, job events.Job, was string) error {
	if job.Key == was || job.Key == "" {
		return nil
	}
	id, err := j.Store.JobOfKey(ctx, job.Username, job.Key)
	if err == nil && id != "" && id != job.ID {
		err = keyTaken(job.Key, id)
	}
	return err
}

func keyTaken(key, jobID string) error {
	return wire.Refuse(http.StatusConflict, events.Conflict, "spool.key", "%q is the key of the job %s of the same owner: change that job, or give another key", key, jobID)
}

// charge holds what makes jobs larger to the quota of their owner. What takes
// away is always allowed, and so is what administrators do.
func (j *Jobs) charge(who Caller, change events.Change, next, at events.JobRevision) (settle func(events.JobRevision, error), err error) {
	if j.Owners == nil || who.Role == events.Admin || who.itself || change == events.JobDisabled || change == events.JobDeleted {
		return func(events.JobRevision, error) {}, nil
	}
	jobs := 0
	if change == events.JobCreated {
		jobs = 1
	}
	return j.Owners.Charge(next.Event.Job.Username, next.Event.Job.ID, jobs, next.Bytes()-at.Bytes())
}
