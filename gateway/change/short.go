package change

import (
	"context"

	"spool.internal/events"
)

// BuiltIn reports whether the built-in runner is the endpoint of calls.
type BuiltIn func(context.Context) (bool, error)

// Native turns what a caller of the native API sends to make a job into the form
// that is stored. A job whose runs are the built-in runner's needs no token.
func (j *Jobs) Native(ctx context.Context, o events.Object) (events.Object, error) {
	o, err := events.Lengthen(o)
	if err != nil {
		return nil, err
	}
	raw, ok := o.Get("flow_parameters")
	if !ok || raw[0] != '{' {
		return o, nil
	}
	flow, err := events.ParseObject(raw)
	if err != nil {
		return nil, err
	}
	if _, given := flow.Get("auth_token"); given {
		return o, nil
	}
	here, err := j.builtIn(ctx)
	if err != nil || !here {
		return o, err
	}
	return o.Set("flow_parameters", flow.Set("auth_token", events.NoToken)), nil
}

// Completed is [events.Complete] for a job to which a patch was applied. A job that
// gets a command loses its flow, unless the patch names one, which is refused.
func Completed(after, patch events.Object, job events.Job) (events.Object, error) {
	flow, err := inner(after, "flow_parameters")
	if err != nil {
		return nil, err
	}
	named, err := inner(patch, "flow_parameters")
	if err != nil {
		return nil, err
	}
	if _, ok := named.Get("binary_path"); !ok && events.IsShort(after) {
		after = after.Set("flow_parameters", flow.Delete("binary_path"))
	}
	return events.Complete(after, job.Username, job.ID)
}

// inner gives the object under a key; empty when there is none.
func inner(o events.Object, key string) (events.Object, error) {
	raw, ok := o.Get(key)
	if !ok || raw[0] != '{' {
		return events.Object{}, nil
	}
	return events.ParseObject(raw)
}

// RunsHere refuses a command and retries where somebody else runs the flows: nobody
// else knows what to do with them.
func (j *Jobs) RunsHere(ctx context.Context, p *events.Parameters) error {
	if !p.Options.Run.Short() && p.Options.Retries.Times == 0 {
		return nil
	}
	here, err := j.builtIn(ctx)
	if err == nil && !here && !p.Options.Run.Short() {
		return events.Faultf(events.Invalid, "spool.run.retries",
			"needs the built-in runner, and runs are somebody else's here (--run-binary-url), or no runner has started yet: leave it out, or start spool with the built-in runner")
	}
	if err == nil && !here {
		err = events.Faultf(events.Invalid, "spool.run.command",
			"needs the built-in runner, and runs are somebody else's here (--run-binary-url), or no runner has started yet: name a flow as binary_path, or start spool with the built-in runner")
	}
	return err
}

func (j *Jobs) builtIn(ctx context.Context) (bool, error) {
	if j.BuiltIn == nil {
		return true, nil
	}
	return j.BuiltIn(ctx)
}
