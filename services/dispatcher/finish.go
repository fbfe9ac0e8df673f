package dispatcher

import (
	"context"
	"errors"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

// result is what is known of an execution before its call.
func (w *work) result() events.Result {
	c := w.cause()
	r := events.Result{
		TriggerID: w.ID, JobID: w.JobID, Kind: w.Kind, Minute: w.Minute, Slot: c.Slot, Job: c.Job,
		TriggeredAt: w.stored().UTC(), Attempts: w.calls + 1, RerunOf: w.RerunOf,
	}
	if w.File != nil {
		r.File = new(*w.File)
		r.File.Name = c.File.Name
	}
	return r
}

func (w *work) cause() events.Cause { return events.CauseOf(w.Trigger, w.job.Job, w.params) }

// finish enters the result into the ledger of ends and stores it, each with others
// that are finished now, then takes the trigger off its queue. It is tried for as
// long as this process lives: the call has been made.
func (d *Dispatcher) finish(ctx context.Context, w *work, r events.Result, dead bool) {
	r.Judge(dead, d.tracks())
	if dead {
		if !d.store(ctx, w, "a dead letter", func(ctx context.Context) error { return d.bus.PutDead(ctx, w.Trigger, r) }) {
			return
		}
		faultpoint.Hit(faultpoint.DispatchDead)
		d.meter.dead.Inc()
	}
	if d.tracker != nil && r.Status == events.OK && events.IsToken(r.FlowJobID) {
		if !d.store(ctx, w, "an accepted run", func(ctx context.Context) error { return d.accept(ctx, w, r) }) {
			return
		}
	}
	m := jet.ResultMessage(r)
	if !d.store(ctx, w, "how a trigger ended", func(ctx context.Context) error { return w.ends.PutResult(ctx, w.Sequence, m) }) {
		return
	}
	faultpoint.Hit(faultpoint.DispatchEnded)
	if !d.store(ctx, w, "a result", func(ctx context.Context) error { return d.results.Put(ctx, m) }) {
		return
	}
	faultpoint.Hit(faultpoint.DispatchStored)
	if w.limit == 0 && w.fault == nil {
		_ = d.bus.ReleaseCall(ctx, w.Trigger) // an entry that stays is a few bytes, and goes with its job
	}
	d.end(w)
	w.log.Info("called", "kind", string(w.Kind), "status", string(r.Status), "http_status", r.HTTP.Status, "flow_job_id", r.FlowJobID)
}

// decide records a verdict in place of a result, then takes the trigger off its queue.
func (d *Dispatcher) decide(ctx context.Context, w *work, verdict, reason string) {
	v := events.VerdictOn(w.Trigger, w.stored(), verdict, reason)
	if !d.store(ctx, w, "how a trigger ended", func(ctx context.Context) error { return w.ends.PutVerdict(ctx, w.Sequence, v) }) {
		return
	}
	if !d.store(ctx, w, "a verdict", func(ctx context.Context) error {
		if err := d.bus.CopyVerdict(ctx, v); err != nil {
			return err
		}
		return d.leaveTurn(ctx, w)
	}) {
		return
	}
	d.end(w)
	w.log.Info("not called", "verdict", verdict, "reason", reason)
}

// resume does what may be missing of the end of a trigger that a process has
// brought to it which has died, or lost its connection.
func (d *Dispatcher) resume(ctx context.Context, w *work, end jet.End) error {
	switch {
	case end.Verdict != nil:
		return errors.Join(d.bus.CopyVerdict(ctx, *end.Verdict), d.giveTurn(ctx, w))
	case end.Result == nil:
		return nil // its result is stored
	}
	stored, err := d.bus.HasResult(ctx, w.JobID, w.ID, w.stored())
	if err != nil || stored {
		return err
	}
	return d.results.Put(ctx, jet.ResultMessage(*end.Result))
}

// How often entries of the ledger of ends are looked for that dead processes left.
const (
	endsFirst = time.Minute
	endsEvery = 10 * time.Minute
)

func (d *Dispatcher) sweepEnds(ctx context.Context) {
	for wait := endsFirst; ; wait = endsEvery {
		daemon.Pause(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		for stream, ends := range d.ends {
			if err := ends.Sweep(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("the ledger of ends cannot be swept now", "stream", stream, "error", err.Error())
			}
		}
	}
}

// store does what a trigger's end needs; false says that it could not be done
// and the trigger will come again.
func (d *Dispatcher) store(ctx context.Context, w *work, what string, f func(context.Context) error) bool {
	err := d.persist(ctx, "store "+what, f)
	if err != nil {
		w.log.Error("a trigger could not be brought to its end and will come again", "missing", what, "error", err.Error())
		_ = w.Nak(0)
	}
	return err == nil
}

func (d *Dispatcher) end(w *work) {
	d.waiting.done(w.ID, w.JobID, w.old)
	if err := w.Ack(); err != nil {
		w.log.Warn("a finished trigger could not be acked; it will come again and end at once", "error", err.Error())
	}
}
