package dispatcher

import (
	"errors"

	"spool.internal/events"
)

// errForeign refuses a command where nobody could run it.
var errForeign = errors.New("this job is a command (spool.run.command), and the endpoint is not the built-in runner: " +
	"give the dispatcher the runner's --runner-secret-file, or the job a flow (binary_path)")

// extras is what a call says to the built-in runner beyond the API; nil to others.
func (d *Dispatcher) extras(w *work) (*events.RunExtras, error) {
	run := w.params.Options.Run
	if d.cfg.Secret == "" {
		if run.Short() {
			return nil, errForeign
		}
		return nil, nil
	}
	x := &events.RunExtras{Cause: w.cause()}
	if w.Minute != 0 {
		x.LocalSlot = events.SlotTime(w.Minute, w.params.Zone(d.cfg.Zone))
	}
	flowJobID := events.FlowJobID(w.job.Username, w.ID)
	x.Command = run.Command(func(name, value string) string {
		return d.cfg.RunSecrets.Close(value, flowJobID, name)
	})
	return x, nil
}
