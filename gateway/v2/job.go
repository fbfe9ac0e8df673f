package v2

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// Job is a job as a list shows it.
type Job struct {
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
	Recent        []Recent           `json:"recent"`                 // newest first, never null
	LastResult    *LastResult        `json:"last_result"`            // null: none
	Watch         *events.WatchState `json:"watch,omitempty"`        // in automatic mode
	Retrying      *events.RetryState `json:"retrying,omitempty"`     //
	Disabled      *Disabling         `json:"disabled,omitempty"`     // nil too where it was not kept
	Parameters    json.RawMessage    `json:"parameters,omitzero"`    // as stored, those of a short job in its form; secrets masked: as the caller may see them
}

// Recent is one of the last executions of a job.
type Recent struct {
	Outcome    events.Outcome `json:"outcome"`
	DurationMS *int64         `json:"duration_ms,omitempty"`
	TriggerID  string         `json:"trigger_id"`
}

// Disabling is who disabled a job.
type Disabling struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// LastResult is the newest execution of a job in short.
type LastResult struct {
	TriggerID string         `json:"trigger_id"`
	Status    events.Status  `json:"status"`
	Outcome   events.Outcome `json:"outcome"`
	Ended     time.Time      `json:"ended"`
}

// JobDetails is a job as it is shown alone.
type JobDetails struct {
	Job
	Warnings    []string     `json:"warnings"` // what may surprise: of the schedule, of the flow, of the folder
	NextRuns    []time.Time  `json:"next_runs"`
	StepTimeout *stepTimeout `json:"step_timeout,omitempty"`
	Waiting     *Waiting     `json:"waiting,omitempty"` // of a disabled job, when anything does
	DryRun      *Would       `json:"dry_run,omitempty"`
	Conditions  []Condition  `json:"conditions"` // in which respects the state of a job with spool.notify has changed, and which URLs are off
	ETag        string       `json:"-"`          // names the revision of the job
	Plan        *events.Plan `json:"-"`          // nil where another version stored it
}

// Waiting is what waits until a job is enabled.
type Waiting struct {
	Files    int    `json:"files"`    // that were taken, and not called for
	Triggers int    `json:"triggers"` // of slots, likewise
	Runs     int    `json:"runs"`     // that the built-in runner has accepted, and not started
	Reason   string `json:"reason"`
}

// waits counts what a disabled job's enabling would let go on.
func (a *API) waits(ctx context.Context, j events.Job) (*Waiting, error) {
	if j.Status != events.Disabled {
		return nil, nil
	}
	w := Waiting{Reason: "the job is disabled: all this goes on when it is enabled, and is dropped when it is deleted"}
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

func (a *API) details(ctx context.Context, who change.Caller, j events.Job, plan *events.Plan) (JobDetails, error) {
	standing, _ := a.Index.Row(j.ID, time.Now()) // of a job that the index has not heard of, nothing has run
	rows, err := a.rows(ctx, who, []events.Job{j}, []index.Row{standing})
	if err != nil {
		return JobDetails{}, err
	}
	d := JobDetails{Job: rows[0], Warnings: []string{}, NextRuns: []time.Time{}, Conditions: []Condition{}}
	if plan != nil { // the index may not have heard of it yet
		d.explain(plan)
	}
	runners, err := a.runners(ctx)
	if err != nil {
		return d, err
	}
	d.StepTimeout = timed(plan, j.Role, runners)
	d.Warnings = append(d.Warnings, a.warnings(who, plan, runners)...)
	if plan != nil && who.Access().CheckJob(plan.Parameters) == nil {
		d.Warnings = append(d.Warnings, a.Elsewhere(ctx, plan.Parameters)...)
	}
	if d.Conditions, err = a.conditions(ctx, j); err != nil {
		return d, err
	}
	d.Waiting, err = a.waits(ctx, j)
	return d, err
}

// explain says what the schedule of a job means.
func (d *JobDetails) explain(plan *events.Plan) {
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

// GetJob shows a job alone.
func (a *API) GetJob(ctx context.Context, who change.Caller, id string, q url.Values) (JobDetails, error) {
	if err := wire.ReadValues(q).Err(); err != nil {
		return JobDetails{}, err
	}
	rev, err := a.Changes.Find(ctx, who, id)
	if err != nil {
		return JobDetails{}, err
	}
	return a.describe(ctx, who, rev, a.stored(rev.Event.Job))
}

// Deleted says who deleted a job that the caller might see, and when; found is false where
// there was none, or that is not kept.
func (a *API) Deleted(ctx context.Context, who change.Caller, id string) (ev events.JobEvent, found bool, err error) {
	if uuid.Validate(id) != nil {
		return ev, false, nil
	}
	rev, found, err := a.Bus.LastJob(ctx, id)
	found = found && rev.Gone() && who.MaySee(rev.Event.Job.Username)
	if !found {
		return ev, false, err
	}
	return rev.Event, true, err
}

// describe shows a job as one of its revisions left it.
func (a *API) describe(ctx context.Context, who change.Caller, rev events.JobRevision, plan *events.Plan) (JobDetails, error) {
	d, err := a.details(ctx, who, rev.Event.Job, plan)
	d.ETag, d.Plan = etag(rev), plan
	return d, err
}

func (a *API) getJob(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	d, err := a.GetJob(r.Context(), a.Caller(r), jobID(r), q)
	return writeDetails(w, d, err)
}

// writeDetails answers with a job, or gives the fault on.
func writeDetails(w http.ResponseWriter, d JobDetails, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("ETag", d.ETag)
	wire.Write(w, http.StatusOK, d)
	return nil
}

// ofJob serves a call that reads something of one job.
func ofJob[T any](a *API, read func(ctx context.Context, who change.Caller, id string, q url.Values) (T, error)) wire.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := wire.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return err
		}
		answer, err := read(r.Context(), a.Caller(r), jobID(r), q)
		if err != nil {
			return err
		}
		wire.Write(w, http.StatusOK, answer)
		return nil
	}
}

// jobID is the job that a path names; capitals are what some tools make of a UUID.
func jobID(r *http.Request) string { return strings.ToLower(mux.Vars(r)["job_id"]) }
