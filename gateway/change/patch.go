package change

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// Patch applies a JSON merge patch to the parameters of a job. It gives the job and its
// parameters as they are then; those of the patch's own secrets are in clear. may says
// why a revision is not one that the caller wants to change.
func (j *Jobs) Patch(ctx context.Context, who Caller, id string, patch events.Object, may func(events.JobRevision) error) (events.JobRevision, *events.Parameters, error) {
	patch, err := j.Native(ctx, who, patch)
	if err != nil {
		return events.JobRevision{}, nil, err
	}
	var e edit
	rev, err := j.update(ctx, who, id, func(rev events.JobRevision) (events.Change, events.Job, error) {
		err := may(rev)
		if err == nil {
			e, err = j.edit(rev.Event.Job, patch)
		}
		if err == nil {
			err = j.allowsEdit(ctx, who, e)
		}
		if err != nil {
			return "", rev.Event.Job, err
		}
		return j.apply(ctx, who, e)
	})
	return rev, e.now, err
}

// edit is a job and what a patch makes of its parameters.
type edit struct {
	job           events.Job
	before, after events.Object
	was, now      *events.Parameters // was is nil when another version stored them: then everything changes
}

// edit reads the parameters of a job, and what a patch makes of them, once each.
func (j *Jobs) edit(job events.Job, patch events.Object) (e edit, err error) {
	e.job = job
	if e.before, err = j.editable(job); err != nil {
		return e, err
	}
	e.was, _ = events.ReadParameters(e.before)
	if e.after, err = completed(merge(slices.Clone(e.before), patch), patch, job); err != nil {
		return e, err
	}
	e.now, err = read(e.after)
	return e, err
}

// allowsEdit says why the caller may not make that of the job.
func (j *Jobs) allowsEdit(ctx context.Context, who Caller, e edit) error {
	err := j.allows(who, e.now)
	if err == nil && (e.was == nil || !e.was.Options.Run.Short()) {
		err = j.runsHere(ctx, e.now)
	}
	if err == nil && (e.was == nil || !slices.Equal(e.was.Options.Profiles, e.now.Options.Profiles)) {
		err = j.mayName(ctx, who, e.job, e.now)
	}
	return err
}

// apply gives the job with its new parameters; nothing happens when they are the old ones.
func (j *Jobs) apply(ctx context.Context, who Caller, e edit) (events.Change, events.Job, error) {
	job, err := j.conceal(ctx, who, e.job, e.before, e.after)
	switch {
	case err != nil:
		return "", e.job, err
	case len(job.Parameters) > wire.MaxBody:
		return "", e.job, events.Faultf(events.Invalid, "", "with this patch the job is %s", wire.LongerThan(wire.MaxBody))
	case bytes.Equal(job.Parameters, e.job.Parameters) && maps.Equal(job.Secrets, e.job.Secrets):
		return "", e.job, nil
	}
	job.Name = e.now.Name
	if was, now := e.was, e.now; was == nil || was.Schedule != now.Schedule || was.Spooled != now.Spooled || was.Options.Timezone != now.Options.Timezone {
		job.EffectiveFrom = time.Time{} // from now on
	}
	return events.JobUpdated, job, nil
}
