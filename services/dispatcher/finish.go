package dispatcher

import (
	"context"
	"errors"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/daemon"
)

// finish settles a trigger by its outcome: it is returned to its queue to be retried or redelivered, or it ends with
// a verdict or a result.
func (d *Dispatcher) finish(ctx context.Context, w *work, o outcome) {
	defer d.flight.leave(w.ID)
	if o.accepted() {
		d.running.rename(w.run, o.FlowJobID) // the quota counts it until it ends
		w.run = ""
	}
	defer d.uncount(w)
	switch {
	case o.postponed:
		_ = w.Nak(o.after)
	case o.verdict != "":
		d.putVerdict(ctx, w, o)
	case o.passing && ctx.Err() != nil:
		_ = w.Nak(0) // cut off because this process stops
	case (o.passing || o.dead) && d.cancels.of(w.ID) != "":
		d.putResult(ctx, w, uncalled(o.Result, d.cancels.of(w.ID), w), false)
	case o.passing && d.retry(w, o): // it waits for its retry
	default:
		d.putResult(ctx, w, o.Result, o.passing || o.dead)
	}
}

// finishUncalled finishes a trigger that has had no worker.
func (d *Dispatcher) finishUncalled(ctx context.Context, w *work, o outcome) {
	ctx, cancel := daemon.Linger(ctx, grace)
	defer cancel()
	d.finish(ctx, w, o)
}

// putResult enters the result into the ledger of ends and stores it, each in a group with others that end now, then
// acks the trigger. It retries for as long as this process lives, because the call has been made. dead = the trigger
// is given up, and leaves a dead letter too.
func (d *Dispatcher) putResult(ctx context.Context, w *work, r events.Result, dead bool) {
	r.Judge(dead, d.tracks())
	if waited, ok := d.waiting.get(w.ID); ok {
		r.Calls = waited.failed
	}
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
	m := jet.EncodeResult(r)
	if !d.store(ctx, w, "how a trigger ended", func(ctx context.Context) error { return w.ends.PutResult(ctx, w.Sequence, m) }) {
		return
	}
	faultpoint.Hit(faultpoint.DispatchEnded)
	if !d.store(ctx, w, "a result", func(ctx context.Context) error { return d.results.Put(ctx, m) }) {
		return
	}
	faultpoint.Hit(faultpoint.DispatchStored)
	if w.atMostOnce() && w.fault == nil {
		_ = d.bus.ReleaseCall(ctx, w.Trigger) // an entry that stays is a few bytes, and goes with its job
	}
	d.ack(w)
	w.log.Info("called", "kind", string(w.Kind), "status", string(r.Status), "http_status", r.HTTP.Status, "flow_job_id", r.FlowJobID)
}

// putVerdict records a verdict in place of a result, then acks the trigger.
func (d *Dispatcher) putVerdict(ctx context.Context, w *work, o outcome) {
	v := events.VerdictOn(w.Trigger, w.stored(), o.verdict, o.reason)
	v.Blocker = o.blocker
	if !d.store(ctx, w, "how a trigger ended", func(ctx context.Context) error { return w.ends.PutVerdict(ctx, w.Sequence, v) }) {
		return
	}
	if !d.store(ctx, w, "a verdict", func(ctx context.Context) error {
		if err := d.bus.CopyVerdict(ctx, v); err != nil {
			return err
		}
		if w.params == nil || !w.params.Options.Overlap.Serial() {
			return nil
		}
		return d.releaseLease(ctx, w)
	}) {
		return
	}
	d.ack(w)
	w.log.Info("not called", "verdict", o.verdict, "reason", o.reason)
}

// store stores one part of a trigger's end. It returns false when that could not be done, and the broker redelivers
// the trigger.
func (d *Dispatcher) store(ctx context.Context, w *work, what string, f func(context.Context) error) bool {
	err := d.persist(ctx, "store "+what, f)
	if err != nil {
		w.log.Error("the end of a trigger could not be stored; it will be redelivered", "missing", what, "error", err.Error())
		_ = w.Nak(0)
	}
	return err == nil
}

// ack takes a trigger off its queue that has come to its end.
func (d *Dispatcher) ack(w *work) {
	d.waiting.done(w.ID, w.JobID, w.old)
	if err := w.Ack(); err != nil {
		w.log.Warn("a finished trigger could not be acked; it will be redelivered and end at once", "error", err.Error())
	}
}

// resume does what may be missing of the end of a trigger: the process that brought it there died, or lost its
// connection.
func (d *Dispatcher) resume(ctx context.Context, w *work, end jet.End) error {
	switch {
	case end.Verdict != nil:
		return errors.Join(d.bus.CopyVerdict(ctx, *end.Verdict), d.releaseLease(ctx, w))
	case end.Result == nil:
		return nil // its result is stored
	}
	stored, err := d.bus.HasResult(ctx, w.JobID, w.ID, w.stored())
	if err != nil || stored {
		return err
	}
	return d.results.Put(ctx, jet.EncodeResult(*end.Result))
}

// How often the ledger of ends is swept for entries that dead processes left.
const (
	ledgerFirst = time.Minute
	ledgerEvery = 10 * time.Minute
)

// forgetKeys forgets under which keys triggers were asked for a day ago.
func (d *Dispatcher) forgetKeys(ctx context.Context, now time.Time) error {
	return d.bus.ForgetAsked(ctx, now.Add(-jet.AskedFor))
}

// sweepLedger sweeps until ctx ends.
func (d *Dispatcher) sweepLedger(ctx context.Context) {
	for next := ledgerFirst; wait.Sleep(ctx, next) == nil; next = ledgerEvery {
		if err := d.forgetKeys(ctx, time.Now()); err != nil && ctx.Err() == nil {
			d.log.Warn("keys of triggers cannot be forgotten now", "error", err.Error())
		}
		for _, ends := range []*jet.Ends{d.ends.files, d.ends.triggers} {
			if err := ends.Sweep(ctx); err != nil && ctx.Err() == nil {
				d.log.Warn("the ledger of ends cannot be swept now", "stream", ends.Stream(), "error", err.Error())
			}
		}
	}
}
