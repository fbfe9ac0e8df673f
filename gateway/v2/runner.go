package v2

import (
	"context"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// runners gives what the built-in runners say of themselves. Where there is none,
// flows run elsewhere.
func (a *API) runners(ctx context.Context) ([]events.RunnerState, error) {
	var all []events.RunnerState
	err := a.Bus.Runners().LastEach(ctx, func(m jet.Entry[events.RunnerState]) {
		if r, err := m.Value(); err == nil { // else it is of another version, and old within the hour
			all = append(all, r)
		}
	})
	return all, err
}

// Who says how long a run may take.
const (
	timedByJob     = "job"
	timedByDefault = "default"
)

// stepTimeout is how long an attempt of a job's runs may take.
type stepTimeout struct {
	Seconds *float64 `json:"seconds"` // null: as long as it likes
	From    string   `json:"from"`
}

// timed says how long the runs of a job may take; nil where no built-in runner is
// known that would hold them to it.
func timed(plan *events.Plan, role events.Role, runners []events.RunnerState) *stepTimeout {
	at := slices.IndexFunc(runners, func(r events.RunnerState) bool { return !r.Direct })
	if plan == nil || at < 0 {
		return nil
	}
	limit, named, err := plan.StepTimeout()
	if err != nil {
		return nil
	}
	t := &stepTimeout{From: timedByJob}
	if !named {
		given, _ := time.ParseDuration(runners[at].StepTimeout) // empty is nothing given
		t.From, limit = timedByDefault, events.StepTimeoutOf(role, given)
	}
	if limit > 0 {
		t.Seconds = new(limit.Seconds())
	}
	return t
}
