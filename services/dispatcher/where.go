package dispatcher

import (
	"context"
	"time"

	"spool.internal/events"
)

// awayAgain is how often it is looked whether a machine has come back.
var awayAgain = 10 * time.Second

// where says at which place the run of a trigger is to be: "" is any. waits is not empty when no machine can
// have it now, and says why. The trigger of a file on a drive of one machine has its place; it goes there
// whether that machine is there or not, and its run waits.
func (d *Dispatcher) where(ctx context.Context, w *work) (place, waits string, err error) {
	if d.cfg.Places == nil || d.cfg.Secret == "" { // of a foreign endpoint nothing is known
		return w.Place, "", nil
	}
	all, err := d.cfg.Places(ctx)
	if err != nil {
		return "", "", err
	}
	if w.Place != "" {
		if is, ok := all.Get(w.Place); ok && is.Runs() {
			return w.Place, "", nil
		}
	}
	place, waits = all.Where(w.ID, needs(w)...)
	return place, waits, nil
}

// needs lists the paths that a run opens, the most important first.
func needs(w *work) (paths []events.Path) {
	p := w.params
	if w.File != nil {
		if input, err := events.ParsePath("input_dir", w.File.InputDir); err == nil {
			paths = append(paths, input)
		}
	} else {
		paths = append(paths, p.InputDir)
	}
	paths = append(paths, p.BinaryPath, p.Options.Run.Cwd)
	all := paths[:0]
	for _, path := range paths {
		if path != (events.Path{}) && !path.Generated() {
			all = append(all, path)
		}
	}
	return all
}

// placed gives a trigger the place of its run, or returns the outcome of one that waits for a machine.
func (d *Dispatcher) placed(ctx context.Context, w *work) (o outcome, waits bool) {
	place, why, err := d.where(ctx, w)
	switch {
	case err != nil:
		w.log.Warn("cannot look up which machine serves the drives of the job", "error", err.Error())
		return postponed(redeliverSoon), true
	case why != "":
		d.noteWaiting(w, why, time.Now().Add(awayAgain))
		return postponed(awayAgain), true
	}
	w.place = place
	return outcome{}, false
}
