package change

import (
	"context"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
)

// Enable gives a job's slots and files effect again; an enabled job stays as it is.
func (j *Jobs) Enable(ctx context.Context, who Caller, id string) (events.JobRevision, error) {
	return j.turn(ctx, who, id, events.JobEnabled, events.Enabled)
}

// Disable takes the effect from a job's slots and files; a disabled job stays as it is.
func (j *Jobs) Disable(ctx context.Context, who Caller, id string) (events.JobRevision, error) {
	return j.turn(ctx, who, id, events.JobDisabled, events.Disabled)
}

func (j *Jobs) turn(ctx context.Context, who Caller, id string, change events.Change, to events.JobStatus) (events.JobRevision, error) {
	return j.update(ctx, who, id, func(rev events.JobRevision) (events.Change, events.Job, error) {
		job := rev.Event.Job
		if job.Status == to {
			return "", job, nil
		}
		job.Status = to
		job.Disabled = nil
		if to == events.Disabled {
			job.Disabled = &events.Disabling{By: who.Owner, At: time.Now().UTC()}
		}
		if to == events.Enabled {
			if err := who.Reaches(job); err != nil {
				return "", job, err
			}
			job.EffectiveFrom = time.Time{} // from now on: no slot from before is the job's own
		}
		return change, job, nil
	})
}

// Delete deletes a job that may be deleted; may is nil, or says why it may not.
func (j *Jobs) Delete(ctx context.Context, who Caller, id string, may func(events.JobRevision) error) error {
	_, err := j.update(ctx, who, id, func(rev events.JobRevision) (events.Change, events.Job, error) {
		if may != nil {
			if err := may(rev); err != nil {
				return "", events.Job{}, err
			}
		}
		job := rev.Event.Job
		return events.JobDeleted, events.Job{ID: job.ID, Username: job.Username, Name: job.Name, Status: job.Status}, nil
	})
	return err
}

// Enqueue makes sure that one more trigger of a job may wait.
func (j *Jobs) Enqueue(ctx context.Context, who Caller, job events.Job) error {
	if j.Owners == nil || who.Role == events.Admin || job.ByAdmin() {
		return nil
	}
	return j.Owners.Enqueue(ctx, job.Username)
}

// triggerSpace is the namespace of the trigger ids that are made from a caller's key.
var triggerSpace = uuid.MustParse("6d1f3c1a-5b0e-5f52-8f0c-7a1d2f6f7f0b")

// Trigger asks for one execution of a job now, on one file or, with nil, on
// its whole folder, and gives the trigger's identity. The same key of the same
// caller for the same job gives the same identity, which is queued once within
// two minutes and run once by the built-in runner; "" is always another.
func (j *Jobs) Trigger(ctx context.Context, who Caller, id, key string, file *events.File) (triggerID string, err error) {
	return j.trigger(ctx, who, id, who.keyed(key), events.Trigger{File: file})
}

// Rerun asks for an execution again, as [Jobs.Trigger] does for one.
func (j *Jobs) Rerun(ctx context.Context, who Caller, key string, r events.Result) (triggerID string, err error) {
	return j.trigger(ctx, who, r.JobID, who.keyed(key), events.Trigger{File: r.File, RerunOf: r.Origin()})
}

// RerunOnce is [Jobs.Rerun] with a key that the execution gives, the same for every
// caller: asked for twice, it runs once.
func (j *Jobs) RerunOnce(ctx context.Context, who Caller, r events.Result) (triggerID string, err error) {
	return j.trigger(ctx, who, r.JobID, "\x00rerun\x00"+r.TriggerID, events.Trigger{File: r.File, RerunOf: r.Origin()})
}

// keyed makes a key the caller's own.
func (c Caller) keyed(key string) string {
	if key == "" {
		return ""
	}
	return c.Owner + "\x00" + key
}

// trigger queues t as a trigger of a job, whose identity the key gives.
func (j *Jobs) trigger(ctx context.Context, who Caller, id, key string, t events.Trigger) (triggerID string, err error) {
	rev, err := j.Find(ctx, who, id)
	if err == nil {
		err = who.Reaches(rev.Event.Job)
	}
	if err == nil {
		err = who.Access().CheckFile(t.File)
	}
	if err != nil {
		return "", err
	}
	nonce, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	if key != "" {
		nonce = uuid.NewSHA1(triggerSpace, []byte(key))
	}
	t.ID, t.JobID, t.Kind = events.ManualTriggerID(id, nonce.String()), id, events.KindManual
	t.JobSeq, t.At, t.By = rev.Seq, time.Now().UTC(), who.Owner
	if err := j.Enqueue(ctx, who, rev.Event.Job); err != nil {
		return "", err
	}
	if _, err := j.Store.PutTrigger(ctx, events.KindManual, t); err != nil {
		return "", err
	}
	faultpoint.Hit(faultpoint.TriggerStored)
	j.Log.Info("job triggered", "job_id", id, "trigger_id", t.ID, "user", t.By)
	return t.ID, nil
}
