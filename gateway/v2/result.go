package v2

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Result is one execution.
type Result struct {
	TriggerID string            `json:"trigger_id"`
	JobID     string            `json:"job_id"`
	Kind      events.Kind       `json:"kind"`
	Slot      time.Time         `json:"slot,omitzero"`  // of the schedule
	File      *File             `json:"file,omitempty"` // that came
	Triggered time.Time         `json:"triggered"`
	Started   time.Time         `json:"started"` // the last call
	Ended     time.Time         `json:"ended"`
	Status    events.Status     `json:"status"`
	Outcome   events.Outcome    `json:"outcome"` // the worst of call and run
	Why       string            `json:"why,omitzero"`
	HTTP      events.HTTPResult `json:"http_result"`
	FlowJobID string            `json:"flow_job_id,omitzero"`
	Attempts  int               `json:"attempts"`
	By        string            `json:"-"`                 // who asked for it; empty: nobody did
	RerunOf   string            `json:"rerun_of,omitzero"` // the first trigger of what was run again
	Run       *Run              `json:"run,omitempty"`     // what the built-in runner says
}

// File is the file that an execution is about.
type File struct {
	Path        string    `json:"path"`               // below the watched folder; replacement characters where it is not UTF-8
	PathB64     string    `json:"path_b64,omitempty"` // the exact bytes, only where path is not exact
	Fingerprint string    `json:"fingerprint"`
	Size        int64     `json:"size"`
	Modified    time.Time `json:"modified"`
	InputDir    string    `json:"input_dir"` // its stage
}

// Run is what became of an execution that was accepted.
type Run struct {
	State        string        `json:"state"` // pending, running, retrying, ended
	Status       events.Status `json:"status,omitzero"`
	Started      time.Time     `json:"started,omitzero"`
	Ended        time.Time     `json:"ended,omitzero"`
	DurationMS   *int64        `json:"duration_ms,omitempty"`
	OutputFolder string        `json:"output_folder"`
	Message      string        `json:"message,omitzero"`
	Waits        string        `json:"waits,omitzero"` // pending, retrying: what it waits for beside its turn
	Attempt      int           `json:"attempt,omitzero"`
	ExitStatus   *int          `json:"exit_status,omitempty"`
	Unmet        []string      `json:"unmet,omitempty"` // what of the sandbox its flow lacks
	Next         time.Time     `json:"next,omitzero"`   // retrying: when the next attempt starts
	Attempts     []Attempt     `json:"attempts,omitempty"`

	Outputs     []events.Output `json:"outputs,omitempty"`      // the first files that it wrote
	OutputCount *int            `json:"output_count,omitempty"` // how many it wrote
	Result      json.RawMessage `json:"result,omitempty"`       // that the flow left
	SHA256      string          `json:"input_sha256,omitzero"`  // of the file that it got

	Undelivered []Undelivered `json:"undelivered,omitempty"` // notices of its end that were given up

	newest  *events.RunEvent
	machine string // that it waits for its machine, in words
}

// Attempt is one of several attempts of a run that is over.
type Attempt struct {
	Number     int       `json:"attempt"`
	Started    time.Time `json:"started,omitzero"` // absent: its flow could not be started
	Ended      time.Time `json:"ended,omitzero"`   // absent: it was cut short
	ExitStatus *int      `json:"exit_status,omitempty"`
	Message    string    `json:"message"`
}

// Undelivered is a notice that was given up.
type Undelivered struct {
	Channel events.Channel `json:"channel"`
	At      time.Time      `json:"at"`
	Message string         `json:"message"`
}

func showResult(r events.Result, runs map[string]*Run) Result {
	if r.HTTP.Headers == nil {
		r.HTTP.Headers = []events.Header{}
	}
	shown := Result{
		TriggerID: r.TriggerID, JobID: r.JobID, Kind: r.Kind, Slot: slotOf(r),
		Triggered: r.TriggeredAt.UTC(), Started: r.StartedAt.UTC(), Ended: time.Unix(0, r.EndedNS).UTC(),
		Status: r.Status, HTTP: r.HTTP, FlowJobID: r.FlowJobID, Attempts: r.Attempts, By: r.By, RerunOf: r.RerunOf, Run: runs[r.FlowJobID], Why: r.Why,
	}
	var newest *events.RunEvent
	if shown.Run != nil {
		newest = shown.Run.newest
	}
	if shown.Outcome = r.OutcomeNow(newest, time.Now()); newest != nil {
		shown.Why = cmp.Or(shown.Run.machine, newest.Why)
	}
	shown.File = showFile(r.File)
	return shown
}

func showFile(f *events.File) *File {
	if f == nil {
		return nil
	}
	return &File{f.Path, f.PathB64, f.Fingerprint, f.Size, time.Unix(0, f.ModifiedNS).UTC(), f.InputDir}
}

// slotOf is the slot that a result is about; the zero time when it is about none.
func slotOf(r events.Result) time.Time {
	if r.Kind != events.KindCron {
		return time.Time{}
	}
	return r.Minute.Time()
}

// eachResult calls f with the results of a job, newest first, one for each
// trigger, until f answers false.
func (a *API) eachResult(ctx context.Context, jobID string, f func(seq uint64, r events.Result) bool) error {
	seen := map[string]bool{}
	return a.Bus.Results(jobID).Newest(ctx, 0, func(m jet.Entry[events.Result]) bool {
		r, err := m.Value()
		if err != nil || seen[r.TriggerID] {
			return true
		}
		seen[r.TriggerID] = true
		return f(m.Sequence, r)
	})
}

// show joins results with what the runner says of their runs.
func (a *API) show(ctx context.Context, results []events.Result) ([]Result, error) {
	var phases jet.View[events.RunEvent]
	for _, r := range results {
		if events.IsToken(r.FlowJobID) {
			for _, phase := range []events.Phase{events.Accepted, events.Started, events.Retrying, events.Ended} {
				phases = phases.And(a.Bus.Run(phase, r.JobID, r.FlowJobID))
			}
			for _, channel := range events.Channels {
				phases = phases.And(a.Bus.RunUndelivered(r.JobID, r.FlowJobID, channel))
			}
		}
	}
	runs := map[string]*Run{}
	err := phases.LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
		if ev, err := m.Value(); err == nil {
			if runs[ev.FlowJobID] == nil {
				runs[ev.FlowJobID] = &Run{State: "pending"}
			}
			runs[ev.FlowJobID].add(ev)
		}
	})
	shown := []Result{}
	for _, r := range results {
		job, ok := a.Jobs.Job(r.JobID)
		if run := runs[r.FlowJobID]; run != nil && ok && job.Status == events.Disabled {
			run.pause(r)
		}
		a.awaits(ctx, runs[r.FlowJobID])
		shown = append(shown, showResult(r, runs))
	}
	return shown, err
}

// pause says that a run of a disabled job has not begun, unless it was asked for by hand.
func (r *Run) pause(of events.Result) {
	if (r.State == "pending" || r.State == "retrying") && of.Kind != events.KindManual && of.Kind != events.KindRetry {
		r.Waits = events.WhyPaused
	}
}

// awaits says that a run that has not ended waits for its machine, which is away.
func (a *API) awaits(ctx context.Context, r *Run) {
	if r == nil || r.newest == nil || r.newest.Place == "" || r.State == "ended" || r.Waits != "" {
		return
	}
	all, err := a.Bus.Machines(ctx)
	if err != nil {
		a.Log.Debug("which machines are away cannot be read", "error", err.Error())
	}
	r.await(all)
}

func (r *Run) await(all events.Machines) {
	r.machine = all.Waits(r.newest.Place)
	r.Waits = r.machine
}

// add takes in one phase; they come in any order.
func (r *Run) add(ev events.RunEvent) {
	if r.OutputFolder == "" || ev.Phase == events.Ended { // what was placed lies elsewhere than it was written
		r.OutputFolder = ev.OutputFolder
	}
	if ev.Phase != events.Undelivered && len(ev.Attempts) >= len(r.Attempts) {
		r.Attempts = nil
		for _, a := range ev.Attempts {
			r.Attempts = append(r.Attempts, Attempt{a.Number, a.StartedAt.UTC(), a.EndedAt.UTC(), a.ExitStatus, a.Message})
		}
	}
	newest := ev.Attempt > r.Attempt
	if ev.Phase != events.Undelivered && (r.newest == nil || !ev.At.Before(r.newest.At)) {
		r.newest = &ev
	}
	r.Attempt = max(r.Attempt, ev.Attempt)
	switch ev.Phase {
	case events.Undelivered:
		r.Undelivered = append(r.Undelivered, Undelivered{ev.Channel, ev.At.UTC(), ev.Message})
	case events.Started:
		r.Unmet = ev.Unmet
		if r.State != "ended" && newest { // else its end is known
			r.State, r.Started, r.Next = "running", ev.At.UTC(), time.Time{}
			r.Message, r.ExitStatus = "", nil
		}
	case events.Retrying:
		if r.State != "ended" && ev.Attempt == r.Attempt {
			r.State, r.Started, r.Next = "retrying", ev.StartedAt.UTC(), ev.Next.UTC()
			r.Message, r.ExitStatus = ev.Message, ev.ExitStatus
		}
	case events.Ended:
		r.Next = time.Time{}
		r.State, r.Status, r.Started, r.Ended = "ended", ev.Status, ev.StartedAt.UTC(), ev.At.UTC()
		r.Message, r.ExitStatus = ev.Message, ev.ExitStatus
		r.Outputs, r.OutputCount, r.Result = ev.Outputs, ev.OutputCount, ev.Result
		if ev.File != nil {
			r.SHA256 = ev.File.SHA256
		}
		if !ev.StartedAt.IsZero() {
			r.DurationMS = new(ev.At.Sub(ev.StartedAt).Milliseconds())
		}
	}
}
