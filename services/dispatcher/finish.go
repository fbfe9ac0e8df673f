package dispatcher

import (
	"context"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// result is what is known of an execution before its call.
func (w *work) result() events.Result {
	return events.Result{
		TriggerID: w.ID, JobID: w.JobID, Kind: w.Kind, Minute: w.Minute, File: w.File,
		TriggeredAt: w.stored().UTC(), Attempts: w.calls + 1,
	}
}

// finish stores the result, with others that are finished now, then takes the
// trigger off its queue. It is tried for as long as this process lives: the call
// has been made.
func (d *Dispatcher) finish(ctx context.Context, w *work, r events.Result, dead bool) {
	if dead {
		if !d.store(ctx, w, "a dead letter", func(ctx context.Context) error { return d.bus.PutDead(ctx, w.Trigger, r) }) {
			return
		}
		d.meter.dead.Inc()
	}
	if d.tracker != nil && r.Status == events.OK && events.IsToken(r.FlowJobID) {
		if !d.store(ctx, w, "an accepted run", func(ctx context.Context) error { return d.accept(ctx, w, r) }) {
			return
		}
	}
	if !d.store(ctx, w, "a result", func(ctx context.Context) error { return d.results.Put(ctx, jet.ResultMessage(r)) }) {
		return
	}
	if w.limit == 0 && w.fault == nil {
		_ = d.bus.ReleaseCall(ctx, w.Trigger) // an entry that stays is a few bytes, and goes with its job
	}
	d.end(w)
	w.log.Info("called", "kind", string(w.Kind), "status", string(r.Status), "http_status", r.HTTP.Status, "flow_job_id", r.FlowJobID)
}

// decide records a verdict in place of a result, then takes the trigger off its queue.
func (d *Dispatcher) decide(ctx context.Context, w *work, verdict, reason string) {
	v := events.VerdictOn(w.Trigger, w.stored(), verdict, reason)
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
