package dispatcher

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/services/daemon"
)

// onHold reports that a trigger waits until its job is enabled. What somebody has
// asked for, a dead letter that is tried again too, does not.
func (d *Dispatcher) onHold(w *work) bool {
	j, ok := d.jobs.get(w.JobID)
	return ok && j.Status == events.Disabled && (w.Kind == events.KindFile || w.Kind == events.KindCron)
}

// putAside takes what is on hold out of the way of others. A file waits in a queue
// of its job alone, whose source is about to stop; one of the clock leaves a queue
// that all jobs share.
func (d *Dispatcher) putAside(ctx context.Context, w *work) {
	if w.Kind == events.KindFile {
		d.handBack(w, 5*time.Second)
		return
	}
	if err := d.bus.PauseTrigger(ctx, w.Delivery, w.Trigger); err != nil {
		w.log.Warn("a trigger of a disabled job cannot be put aside yet", "error", err.Error())
		d.handBack(w, 5*time.Second)
		return
	}
	d.uncount(w)
	d.waiting.done(w.ID, w.JobID, w.old)
	d.paused.Store(true)
	d.flight.leave(w.ID)
	w.log.Info("a trigger waits until its job is enabled")
}

// keepPaused puts paused triggers back into their queue when their job is enabled,
// until ctx ends. Those of deleted jobs go with the rest of their queues.
func (d *Dispatcher) keepPaused(ctx context.Context) {
	daemon.KeepResuming(ctx, &d.paused, d.resumeTriggers, func(err error) {
		d.log.Warn("paused triggers could not be put back into their queue and are tried again", "error", err.Error())
	})
}

// resumeTriggers goes through the jobs with paused triggers once; left says that some go on
// waiting.
func (d *Dispatcher) resumeTriggers(ctx context.Context) (left bool, err error) {
	jobs, err := d.bus.PausedJobs(ctx, events.StreamTriggers, events.AllPaused)
	for id := range jobs {
		if err != nil {
			return true, err
		}
		if j, ok := d.jobs.get(id); ok && j.Status == events.Enabled {
			err = d.bus.ResumeTriggers(ctx, id)
		} else {
			left = true
		}
	}
	return left, err
}
