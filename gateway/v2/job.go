package v2

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// job is a job as a list shows it.
type job struct {
	ID            string             `json:"job_id"`
	Username      string             `json:"username"`
	Name          string             `json:"name"`
	Status        events.JobStatus   `json:"status"`
	Mode          string             `json:"mode"`
	Created       time.Time          `json:"created"`
	EffectiveFrom time.Time          `json:"effective_from"`         // no slot up to then is its own
	Key           string             `json:"key,omitzero"`           // of spool.key
	ManagedBy     string             `json:"managed_by,omitzero"`    // of spool.managed_by
	Schedule      string             `json:"schedule,omitzero"`      // not in automatic mode
	Timezone      string             `json:"timezone,omitzero"`      // likewise
	Description   string             `json:"description,omitzero"`   // the schedule in words
	Tags          []string           `json:"tags"`                   // never null
	Outcome       string             `json:"outcome,omitzero"`       // of the last finished execution, or never_ran
	Now           events.Outcome     `json:"now,omitzero"`           // of the newest execution that has not ended
	RunningSince  time.Time          `json:"running_since,omitzero"` //
	NextRun       time.Time          `json:"next_run,omitzero"`      //
	Recent        []recent           `json:"recent"`                 // newest first, never null
	LastResult    *lastResult        `json:"last_result"`            // null: none
	Watch         *events.WatchState `json:"watch,omitempty"`        // in automatic mode
	Retrying      *events.RetryState `json:"retrying,omitempty"`     //
	Disabled      *disabling         `json:"disabled,omitempty"`     // nil too where it was not kept
	Parameters    json.RawMessage    `json:"parameters,omitzero"`    // as stored, those of a short job in its form; secrets masked: as the caller may see them
}

// recent is one of the last executions.
type recent struct {
	Outcome    events.Outcome `json:"outcome"`
	DurationMS *int64         `json:"duration_ms,omitempty"`
	TriggerID  string         `json:"trigger_id"`
}

// disabling is who disabled a job.
type disabling struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// lastResult is the newest execution in short.
type lastResult struct {
	TriggerID string         `json:"trigger_id"`
	Status    events.Status  `json:"status"`
	Outcome   events.Outcome `json:"outcome"`
	Ended     time.Time      `json:"ended"`
}

// jobDetails is a job as it is shown alone.
type jobDetails struct {
	job
	Warnings    []string     `json:"warnings"` // what may surprise: of the schedule, of the flow, of the folder
	NextRuns    []time.Time  `json:"next_runs"`
	StepTimeout *stepTimeout `json:"step_timeout,omitempty"`
	Waiting     *waiting     `json:"waiting,omitempty"` // of a disabled job, when anything does
	DryRun      *would       `json:"dry_run,omitempty"`
	Conditions  []condition  `json:"conditions"` // in which respects the state of a job with spool.notify has changed, and which URLs are off
}

// waiting is what waits until a job is enabled.
type waiting struct {
	Files    int    `json:"files"`    // that were taken, and not called for
	Triggers int    `json:"triggers"` // of slots, likewise
	Runs     int    `json:"runs"`     // that the built-in runner has accepted, and not started
	Reason   string `json:"reason"`
}

// waits counts what a disabled job's enabling would let go on.
func (a *API) waits(ctx context.Context, j events.Job) (*waiting, error) {
	if j.Status != events.Disabled {
		return nil, nil
	}
	w := waiting{Reason: "the job is disabled: all this goes on when it is enabled, and is dropped when it is deleted"}
	for _, c := range []struct {
		n     *int
		count func(context.Context) (int, error)
	}{
		{&w.Files, a.Bus.Files(j.ID).Count},
		{&w.Triggers, a.Bus.PausedTriggers(j.ID).Count},
		{&w.Runs, a.Bus.WaitingRuns(j.ID).Count},
	} {
		n, err := c.count(ctx)
		if err != nil {
			return nil, err
		}
		*c.n = n
	}
	if w.Files+w.Triggers+w.Runs == 0 {
		return nil, nil
	}
	return &w, nil
}

// nextRuns is how many coming slots are shown.
const nextRuns = 5

// stored is the plan of a stored job, nil where another version stored it.
func (a *API) stored(j events.Job) *events.Plan {
	plan, err := j.Plan(a.Zone)
	if err != nil {
		return nil
	}
	return plan
}

// planOf is the plan of parameters that have been read and checked.
func (a *API) planOf(p *events.Parameters) *events.Plan {
	plan, err := p.Plan(a.Zone)
	if err != nil {
		return nil
	}
	return plan
}

func (a *API) details(ctx context.Context, who change.Caller, j events.Job, plan *events.Plan) (jobDetails, error) {
	standing, _ := a.Index.Row(j.ID, time.Now()) // of a job that the index has not heard of, nothing has run
	rows, err := a.rows(ctx, who, []events.Job{j}, []index.Row{standing})
	if err != nil {
		return jobDetails{}, err
	}
	d := jobDetails{job: rows[0], Warnings: []string{}, NextRuns: []time.Time{}, Conditions: []condition{}}
	if plan != nil { // the index may not have heard of it yet
		d.explain(plan)
	}
	runners, err := a.runners(ctx)
	if err != nil {
		return d, err
	}
	d.StepTimeout = timed(plan, j.Role, runners)
	d.Warnings = append(d.Warnings, a.warnings(who, plan, runners)...)
	if d.Conditions, err = a.conditions(ctx, j); err != nil {
		return d, err
	}
	d.Waiting, err = a.waits(ctx, j)
	return d, err
}

// explain says what the schedule of a job means.
func (d *jobDetails) explain(plan *events.Plan) {
	d.Timezone, d.Description, d.NextRun = "", "", time.Time{}
	if plan.Slots == nil {
		return
	}
	now := time.Now()
	d.Timezone, d.Description = plan.Zone.String(), plan.Slots.Describe()
	d.Warnings = append(d.Warnings, plan.Slots.Warnings(now)...)
	if d.Status == events.Enabled {
		d.NextRuns = append(d.NextRuns, next(plan.Slots, now, nextRuns)...)
	}
	if len(d.NextRuns) > 0 {
		d.NextRun = d.NextRuns[0]
	}
}

// next gives the first n slots after a time, fewer when there are no more.
func next(s *schedule.Schedule, after time.Time, n int) []time.Time {
	var slots []time.Time
	for range n {
		if after = s.Next(after); after.IsZero() {
			break
		}
		slots = append(slots, after)
	}
	return slots
}

func (a *API) getJob(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	rev, err := a.Changes.Find(r.Context(), a.Caller(r), jobID(r))
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev, a.stored(rev.Event.Job))
}

// writeJob answers with a job and the ETag of its revision.
func (a *API) writeJob(w http.ResponseWriter, r *http.Request, status int, rev events.JobRevision, plan *events.Plan) error {
	d, err := a.details(r.Context(), a.Caller(r), rev.Event.Job, plan)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(rev))
	wire.Write(w, status, d)
	return nil
}

// jobID is the job that a path names; capitals are what some tools make of a UUID.
func jobID(r *http.Request) string { return strings.ToLower(mux.Vars(r)["job_id"]) }
