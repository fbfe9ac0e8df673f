package change

import (
	"context"

	"spool.internal/events"
)

// Runners gives what the built-in runners say of themselves.
type Runners func(context.Context) ([]events.RunnerState, error)

// mayName says why a job may not name the profiles that it names. What counts is
// who its owner will be after the change: at the start of a run nothing else is known.
func (j *Jobs) mayName(ctx context.Context, who Caller, job events.Job, p *events.Parameters) error {
	if len(p.Options.Profiles) == 0 {
		return nil
	}
	role := job.Role
	if who.Owner == job.Username {
		role = who.Role
	}
	var runners []events.RunnerState
	if j.Runners != nil {
		var err error
		if runners, err = j.Runners(ctx); err != nil {
			return err
		}
	}
	return p.Options.MayNameProfiles(job.Username, role, runners)
}
