package change

import (
	"bytes"
	"context"
	"fmt"
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
	sent := patch
	patch, err := j.Native(ctx, who, slices.Clone(sent))
	if err != nil {
		return events.JobRevision{}, nil, err
	}
	var e edit
	rev, err := j.update(ctx, who, id, func(rev events.JobRevision) (events.Change, events.Job, error) {
		err := may(rev)
		if err == nil {
			e, err = j.edit(rev.Event.Job, patch, sent)
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

// edit reads the parameters of a job, and what a patch makes of them, once each. sent is
// the patch in the words of its client.
func (j *Jobs) edit(job events.Job, patch, sent events.Object) (e edit, err error) {
	e.job = job
	if e.before, err = j.editable(job); err != nil {
		return e, err
	}
	e.was, _ = events.ReadParameters(e.before)
	patch = events.Unset(patch, sent, e.before)
	after := events.Regenerate(e.before.Merge(patch), e.before, patch, job.Username, job.ID)
	if e.after, err = completed(after, patch, job); err != nil {
		return e, err
	}
	e.now, err = read(e.after)
	return e, err
}

// editable gives the parameters that a change of a job begins with: those that
// its operators see, with masks in place of secrets.
func (j *Jobs) editable(job events.Job) (events.Object, error) {
	o, err := events.ParseObject(job.Visible(j.openShown))
	if err != nil {
		return nil, fmt.Errorf("parameters of job %s: %s", job.ID, err) //nolint:errorlint // is no fault of the caller's
	}
	return o, nil
}

// completed is [events.Complete] for a job to which a patch was applied. A job that
// gets a command loses its flow, unless the patch names one, which is refused.
func completed(after, patch events.Object, job events.Job) (events.Object, error) {
	before, _ := events.ParseObject(job.Parameters)
	if _, named := patch.Inner("flow_parameters").Get("binary_path"); !named && events.IsShort(after) && !events.IsShort(before) {
		after = after.Set("flow_parameters", after.Inner("flow_parameters").Delete("binary_path"))
	}
	return events.Complete(after, job.Username, job.ID)
}

// allowsEdit says why the caller may not make that of the job.
func (j *Jobs) allowsEdit(ctx context.Context, who Caller, e edit) error {
	err := j.allows(who, e.now)
	if err == nil && e.now.Options.Shadow && e.job.Status == events.Enabled {
		err = events.Faultf(events.Conflict, "spool.shadow", "is for a disabled job, and this one is enabled: disable it first")
	}
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
	job.Name, job.Key, job.ManagedBy = e.now.Name, e.now.Options.Key, e.now.Options.ManagedBy
	if was, now := e.was, e.now; was == nil || was.Schedule != now.Schedule || was.Spooled != now.Spooled || was.Options.Timezone != now.Options.Timezone || was.Options.Shadow != now.Options.Shadow {
		job.EffectiveFrom = time.Time{} // from now on
	}
	return events.JobUpdated, job, nil
}
