package v2

import (
	"context"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Would is what a request would change, in the answer to a dry run.
type Would struct {
	Action  string        `json:"action"` // create, update, none
	Changes []FieldChange `json:"changes"`
	Next    struct {
		Before []time.Time `json:"before"`
		After  []time.Time `json:"after"`
	} `json:"next_runs"`
}

// isDry reads ?dry_run.
func isDry(r *http.Request) (bool, error) {
	q := wire.ReadQuery(r, "dry_run")
	dry := q.OneOf("dry_run", "true", "false") == "true"
	return dry, q.Err()
}

// WouldCreate gives the job that [API.CreateJob] would make. Its id is that of nothing.
func (a *API) WouldCreate(ctx context.Context, who change.Caller, o events.Object) (JobDetails, error) {
	if err := checkNew(o); err != nil {
		return JobDetails{}, err
	}
	dry := a.Changes.Dry()
	draft, err := a.draft(ctx, who, dry, change.Request{}, o)
	if err != nil {
		return JobDetails{}, err
	}
	rev, err := dry.Create(ctx, who, draft)
	if err != nil {
		return JobDetails{}, err
	}
	plan := a.planOf(draft.Parameters)
	answer := Would{Action: "create", Changes: a.changes(who, events.Job{}, rev.Event.Job)}
	answer.Next.Before, answer.Next.After = upcoming(nil), upcoming(plan)
	d, err := a.details(ctx, who, rev.Event.Job, plan)
	d.DryRun = &answer
	return d, err
}

// WouldPatch gives the job that [API.PatchJob] would make of one, and with the ETag that
// it has before.
func (a *API) WouldPatch(ctx context.Context, who change.Caller, id string, patch events.Object, may func(events.JobRevision) error) (JobDetails, error) {
	if err := checkParameterKeys(patch, ""); err != nil {
		return JobDetails{}, err
	}
	var before events.JobRevision
	rev, p, err := a.Changes.Dry().Patch(ctx, who, id, patch, func(now events.JobRevision) error {
		before = now
		return may(now)
	})
	if err != nil {
		return JobDetails{}, err
	}
	plan := a.planOf(p)
	answer := Would{Action: "update", Changes: a.changes(who, before.Event.Job, rev.Event.Job)}
	if rev.Event.At.Equal(before.Event.At) {
		answer.Action = "none"
	}
	answer.Next.Before, answer.Next.After = upcoming(a.stored(before.Event.Job)), upcoming(plan)
	d, err := a.details(ctx, who, rev.Event.Job, plan)
	d.DryRun, d.ETag = &answer, etag(before)
	return d, err
}

// upcoming gives the next slots of a plan, of whatever status its job is.
func upcoming(plan *events.Plan) []time.Time {
	if plan == nil || plan.Slots == nil {
		return []time.Time{}
	}
	return append([]time.Time{}, next(plan.Slots, time.Now(), nextRuns)...)
}
