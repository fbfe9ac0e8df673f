package dispatcher

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/services/daemon"
)

// onHold reports whether a trigger waits until its job is enabled: a file or a slot. What somebody asked for does not
// wait, nor does the retry of a dead letter.
func (d *Dispatcher) onHold(w *work) bool {
	j, ok := d.jobs.get(w.JobID)
	return ok && j.Status == events.Disabled && (w.Kind == events.KindFile || w.Kind == events.KindCron)
}

// pause moves a trigger on hold out of the way of others. A file stays in the queue of its own job, whose source is
// about to stop; a slot leaves the queue that all jobs share.
func (d *Dispatcher) pause(ctx context.Context, w *work) {
	if w.Kind == events.KindFile {
		d.giveBack(w, 5*time.Second)
		return
	}
	if err := d.bus.PauseTrigger(ctx, w.Delivery, w.Trigger); err != nil {
		w.log.Warn("a trigger of a disabled job cannot be paused yet", "error", err.Error())
		d.giveBack(w, 5*time.Second)
		return
	}
	d.uncount(w)
	d.waiting.done(w.ID, w.JobID, w.old)
	d.paused.Store(true)
	d.flight.leave(w.ID)
	w.log.Info("a trigger waits until its job is enabled")
}

// resumePaused returns paused triggers to their queue when their job is enabled, until ctx ends. Those of deleted
// jobs go with the rest of their queues.
func (d *Dispatcher) resumePaused(ctx context.Context) {
	daemon.KeepResuming(ctx, &d.paused, d.resumeTriggers, func(err error) {
		d.log.Warn("paused triggers could not be returned to their queue; this is retried", "error", err.Error())
	})
}

// resumeTriggers goes through the jobs with paused triggers once. left = some go on waiting.
func (d *Dispatcher) resumeTriggers(ctx context.Context) (left bool, err error) {
	jobs, err := d.bus.PausedTriggers("").CountByJob(ctx)
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
