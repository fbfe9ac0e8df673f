package v2

import (
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// would is what a request would change, in the answer to a dry run.
type would struct {
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

// wouldCreate answers with the job that a body would make. Its id is that of nothing.
func (a *API) wouldCreate(w http.ResponseWriter, r *http.Request, o events.Object) error {
	dry := a.Changes.Dry()
	draft, err := a.draft(r, dry, change.Request{}, o)
	if err != nil {
		return err
	}
	rev, err := dry.Create(r.Context(), a.Caller(r), draft)
	if err != nil {
		return err
	}
	plan := a.planOf(draft.Parameters)
	answer := would{Action: "create", Changes: a.changes(a.Caller(r), events.Job{}, rev.Event.Job)}
	answer.Next.Before, answer.Next.After = upcoming(nil), upcoming(plan)
	return a.writeWould(w, r, rev.Event.Job, plan, answer)
}

// wouldPatch answers with the job that a patch would make of one.
func (a *API) wouldPatch(w http.ResponseWriter, r *http.Request, patch events.Object, may func(events.JobRevision) error) error {
	var before events.JobRevision
	rev, p, err := a.Changes.Dry().Patch(r.Context(), a.Caller(r), jobID(r), patch, func(now events.JobRevision) error {
		before = now
		return may(now)
	})
	if err != nil {
		return err
	}
	plan := a.planOf(p)
	answer := would{Action: "update", Changes: a.changes(a.Caller(r), before.Event.Job, rev.Event.Job)}
	if rev.Event.At.Equal(before.Event.At) {
		answer.Action = "none"
	}
	answer.Next.Before, answer.Next.After = upcoming(a.stored(before.Event.Job)), upcoming(plan)
	w.Header().Set("ETag", etag(before))
	return a.writeWould(w, r, rev.Event.Job, plan, answer)
}

func (a *API) writeWould(w http.ResponseWriter, r *http.Request, job events.Job, plan *events.Plan, answer would) error {
	d, err := a.details(r.Context(), a.Caller(r), job, plan)
	if err != nil {
		return err
	}
	d.DryRun = &answer
	wire.Write(w, http.StatusOK, d)
	return nil
}

// upcoming gives the next slots of a plan, of whatever status its job is.
func upcoming(plan *events.Plan) []time.Time {
	if plan == nil || plan.Slots == nil {
		return []time.Time{}
	}
	return append([]time.Time{}, next(plan.Slots, time.Now(), nextRuns)...)
}
