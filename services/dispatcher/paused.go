package dispatcher

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/services/daemon"
)

// How often it is looked whether jobs with paused triggers are enabled: where this
// process has paused some, and else.
const (
	lookForOurs   = time.Second
	lookForOthers = 10 * time.Second
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
	took := time.Duration(0) // by the last look: with very many there is a pause of ten times as long
	for next := time.Now(); ctx.Err() == nil; daemon.Pause(ctx, max(lookForOurs, 10*took)) {
		if !d.paused.Load() && time.Now().Before(next) {
			continue
		}
		began := time.Now()
		next = began.Add(lookForOthers)
		d.paused.Store(false)
		jobs, err := d.bus.PausedJobs(ctx, events.StreamTriggers, events.AllPaused)
		for id := range jobs {
			j, ok := d.jobs.get(id)
			if ok && j.Status == events.Enabled && err == nil {
				err = d.bus.ResumeTriggers(ctx, id)
			} else {
				d.paused.Store(true)
			}
		}
		took = time.Since(began)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("paused triggers could not be put back into their queue and are tried again", "error", err.Error())
			d.paused.Store(true)
		}
	}
}
