package dispatcher

import (
	"errors"
	"time"

	"spool.internal/events"
)

// errForeign refuses a command that only the built-in runner could run.
var errForeign = errors.New("this job is a command (spool.run.command), and the endpoint is not the built-in runner: " +
	"give the dispatcher the runner's --runner-secret-file, or the job a flow (binary_path)")

// errUnplaced refuses an output pattern that only the built-in runner could follow.
var errUnplaced = errors.New("this job says where its outputs go (spool.output), and the endpoint is not the built-in runner: " +
	"give the dispatcher the runner's --runner-secret-file, or take spool.output out of the job")

// extras returns what a call tells the built-in runner beyond the API; nil for other endpoints.
func (d *Dispatcher) extras(w *work) (*events.RunExtras, error) {
	run := w.params.Options.Run
	if d.cfg.Secret == "" {
		if run.Short() {
			return nil, errForeign
		}
		if w.params.Options.Output.Given() {
			return nil, errUnplaced
		}
		return nil, nil
	}
	x := &events.RunExtras{Cause: w.cause()}
	if w.Minute != 0 {
		x.LocalSlot = events.SlotTime(w.Minute, w.params.Zone(d.cfg.Zone))
	}
	if o := w.params.Options.Output; o.Given() {
		o.At = w.about().In(w.params.Zone(d.cfg.Zone)).Format(time.RFC3339)
		x.Output = &o
	}
	flowJobID := events.FlowJobID(w.job.Username, w.ID)
	x.Command = run.Command(func(name, value string) string {
		return d.cfg.RunSecrets.Close(value, flowJobID, name)
	})
	return x, nil
}

// about is the time that an execution is about: its slot, else when its file was last changed, else when it was asked
// for.
func (w *work) about() time.Time {
	switch {
	case w.Minute != 0:
		return w.Minute.Time()
	case w.File != nil:
		return time.Unix(0, w.File.ModifiedNS)
	}
	return w.At
}
