package change

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
)

// Enable gives a job's slots and files effect again; an enabled job stays as it is.
func (j *Jobs) Enable(ctx context.Context, who Caller, id string) (events.JobRevision, error) {
	return j.update(ctx, who, id, func(rev events.JobRevision) (events.Change, events.Job, error) {
		return enabled(who, rev.Event.Job)
	})
}

// enabled is a job that a caller enables.
func enabled(who Caller, job events.Job) (events.Change, events.Job, error) {
	if job.Status == events.Enabled {
		return "", job, nil
	}
	if err := who.Reaches(job); err != nil {
		return "", job, err
	}
	job.Status, job.Disabled = events.Enabled, nil
	job.Parameters = events.Unshadowed(job.Parameters)
	job.EffectiveFrom = time.Time{} // from now on: no slot from before is the job's own
	return events.JobEnabled, job, nil
}

// Terms say why a job is disabled, and until when. The zero value says neither.
type Terms struct {
	Reason string
	Until  time.Time // zero: until somebody enables it
}

// maxReason is how long a reason may be, in characters.
const maxReason = 1000

// Check refuses terms that mean nothing.
func (t Terms) Check(now time.Time) error {
	switch n := utf8.RuneCountInString(t.Reason); {
	case n > maxReason:
		return events.Faultf(events.Invalid, "reason", "has %d characters; at most %d are allowed", n, maxReason)
	case strings.ContainsRune(t.Reason, 0):
		return events.Faultf(events.Invalid, "reason", "has a NUL character: leave it out")
	case !t.Until.IsZero() && !t.Until.After(now):
		return events.Faultf(events.Invalid, "until", "%s is over: give a time to come, or leave it out", t.Until.UTC().Format(time.RFC3339))
	}
	return nil
}

// Disable takes the effect from a job's slots and files. A disabled job stays as it is,
// unless other terms are given: what was said last counts, also that it has no end.
func (j *Jobs) Disable(ctx context.Context, who Caller, id string, t Terms) (events.JobRevision, error) {
	return j.update(ctx, who, id, func(rev events.JobRevision) (events.Change, events.Job, error) {
		return disabled(who, rev.Event.Job, t)
	})
}

// disabled is a job that a caller disables. To have it enabled later he must be somebody
// who may enable it.
func disabled(who Caller, job events.Job, t Terms) (events.Change, events.Job, error) {
	if job.Status == events.Disabled {
		var had Terms
		if d := job.Disabled; d != nil {
			had = Terms{d.Reason, d.Until}
		}
		if t == (Terms{}) && had.Until.IsZero() || t.Reason == had.Reason && t.Until.Equal(had.Until) {
			return "", job, nil
		}
	}
	if !t.Until.IsZero() {
		if err := who.Reaches(job); err != nil {
			return "", job, err
		}
	}
	job.Status = events.Disabled
	job.Disabled = &events.Disabling{By: who.Owner, At: time.Now().UTC(), Reason: t.Reason, Until: t.Until.UTC()}
	return events.JobDisabled, job, nil
}

// Delete deletes a job that may be deleted; may is nil, or says why it may not.
func (j *Jobs) Delete(ctx context.Context, who Caller, id string, may func(events.JobRevision) error) error {
	_, err := j.update(ctx, who, id, func(rev events.JobRevision) (events.Change, events.Job, error) {
		if may != nil {
			if err := may(rev); err != nil {
				return "", events.Job{}, err
			}
		}
		return gone(rev.Event.Job)
	})
	return err
}

// gone is what is kept of a job that is deleted.
func gone(job events.Job) (events.Change, events.Job, error) {
	return events.JobDeleted, events.Job{ID: job.ID, Username: job.Username, Name: job.Name, Status: job.Status}, nil
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

// Asked gives the identity of the execution that a key of a caller asks for, and whether it
// was asked for since a time.
func (j *Jobs) Asked(ctx context.Context, who Caller, id, key string, since time.Time) (triggerID string, asked bool, err error) {
	if _, err := j.Find(ctx, who, id); err != nil {
		return "", false, err
	}
	triggerID = events.ManualTriggerID(id, nonceOf(who.keyed(key)))
	asked, err = j.Store.Triggered(ctx, events.KindManual, events.Trigger{ID: triggerID, JobID: id, At: since})
	return triggerID, asked, err
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
	t.ID = events.ManualTriggerID(id, nonce.String())
	if key != "" {
		t.ID = events.ManualTriggerID(id, nonceOf(key))
	}
	t.JobID, t.Kind = id, events.KindManual
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
