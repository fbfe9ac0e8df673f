package change

import (
	"context"

	"spool.internal/events"
)

// allows says why a job with these parameters cannot be made, or become, by
// this caller or here.
func (j *Jobs) allows(who Caller, p *events.Parameters) error {
	for _, path := range []struct {
		field string
		events.Path
	}{{"binary_path", p.BinaryPath}, {"input_dir", p.InputDir}, {"settings.output_dir", p.OutputDir()}} {
		if path.Reserved() && !(path.Generated() && p.Options.Run.Short() && path.field != "settings.output_dir") {
			return events.Reserves("flow_parameters." + path.field)
		}
	}
	if p.Options.Run.Cwd.Reserved() {
		return events.Reserves("spool.run.cwd")
	}
	if p.OutputDir().Rel == "" && p.EmptiesOutput() {
		return events.Faultf(events.Invalid, "flow_parameters.settings.delete_out_dir", "would delete the whole drive %s: name a folder in it as output_dir", p.OutputDir())
	}
	if err := who.Access().CheckJob(p); err != nil {
		return err
	}
	if err := p.Options.Run.CheckUser(who.Role); err != nil {
		return err
	}
	if j.Untracked && p.Options.Overlap.Serial() {
		return events.Faultf(events.Invalid, "spool.overlap",
			"%s needs to know when runs end: start Spool with --track-runs, or use the built-in runner", p.Options.Overlap)
	}
	if err := j.MailDomains.Check("flow_parameters.settings.notification_emails", p.Emails); err != nil {
		return err
	}
	if err := j.MailDomains.Check("spool.notify.to.mail", p.Options.Notify.Mail); err != nil {
		return err
	}
	return j.leadsBack(p)
}

// runsHere refuses a command, and what else the built-in runner alone does, where
// an endpoint of somebody else runs the flows.
func (j *Jobs) runsHere(ctx context.Context, p *events.Parameters) error {
	const lack = "needs the built-in runner, and runs are somebody else's here (--run-binary-url), or no runner has started yet: "
	for _, c := range []struct {
		given         bool
		field, remedy string
	}{
		{p.Options.Run.Short(), "spool.run.command", "name a flow as binary_path"},
		{p.Options.Retries.Times > 0, "spool.run.retries", "leave it out"},
		{len(p.Options.Profiles) > 0, "spool.run.profiles", "leave it out"},
		{p.Options.Output.Given(), "spool.output", "leave it out"},
	} {
		if !c.given {
			continue
		}
		here, err := j.builtIn(ctx)
		if err == nil && !here {
			err = events.Faultf(events.Invalid, c.field, "%s%s, or start spool with the built-in runner", lack, c.remedy)
		}
		return err
	}
	return nil
}

func (j *Jobs) builtIn(ctx context.Context) (bool, error) {
	if j.BuiltIn == nil {
		return true, nil
	}
	return j.BuiltIn(ctx)
}

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
