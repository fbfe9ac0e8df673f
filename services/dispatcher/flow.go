package dispatcher

import (
	"context"
	"math/rand/v2"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
)

// redeliverSoon is the delay before the broker redelivers a trigger with which nothing could be done.
const redeliverSoon = time.Second

// take works on one delivery: it prepares it, then attempts the call and finishes the trigger on a worker. It blocks
// while all workers are busy or the store takes nothing, but not while the circuit breaker is open, so that waiting
// deliveries can still expire. The call and what follows it may go on until calls ends.
func (d *Dispatcher) take(ctx, calls context.Context, s *semaphore, m *jet.Delivery) {
	if d.bus.AwaitStore(ctx) != nil {
		_ = m.Nak(0) // if this is lost the broker redelivers it by itself
		return
	}
	w := d.prepare(ctx, m)
	if w == nil || !d.admit(ctx, w) {
		return
	}
	hasWorker := false
	if w.atMostOnce() || d.endpoints.closed() {
		if !s.acquire(ctx) {
			d.giveBack(w, 0)
			return
		}
		if hasWorker = w.atMostOnce() || d.endpoints.closed(); !hasWorker {
			s.release() // the breaker opened meanwhile
		}
	}
	d.calls.run(func() {
		if !hasWorker && !d.awaitEndpoint(ctx, s, w) {
			return
		}
		o := d.attempt(calls, w)
		s.release() // the worker is free as soon as the answer is there
		d.finish(calls, w, o)
	})
}

// prepare returns what the call for a delivery needs, or nil after it settled a delivery that needs no call.
func (d *Dispatcher) prepare(ctx context.Context, m *jet.Delivery) *work {
	t, err := m.Trigger()
	if err != nil {
		d.log.Error("a trigger cannot be read", "subject", m.Subject, "error", err.Error())
		_ = m.Drop("unreadable") // if this fails the trigger is redelivered, and dropped then
		return nil
	}
	if !d.flight.enter(t.ID) {
		_ = m.Nak(redeliverSoon) // the connection broke, and the broker redelivered what is being worked on
		return nil
	}
	w := &work{Delivery: m, Trigger: t, old: m.Deliveries > 1, ends: d.ends.of(m), log: d.log.With("job_id", t.JobID, "trigger_id", t.ID)}
	if waited, ok := d.waiting.get(t.ID); ok && waited.up.Equal(d.bus.Up()) {
		w.known, w.calls, w.fresh, w.earlier = true, waited.calls, waited.calls == 0, waited.earlier
	} else {
		w.calls, w.fresh = int(m.Deliveries)-1, m.Deliveries == 1 // it may have been called at each delivery
		end, ended, err := d.prior.find(ctx, t, m)
		if err == nil && ended {
			err = d.resume(ctx, w, end)
		}
		switch {
		case err != nil:
			w.log.Warn("cannot look up whether the trigger has ended before", "error", err.Error())
			d.giveBack(w, redeliverSoon)
			return nil
		case ended:
			d.drop(w)
			return nil
		}
	}
	if err := d.awaitJobs(ctx, t.JobSeq); err != nil {
		d.giveBack(w, redeliverSoon)
		return nil
	}
	switch w.job, _ = d.jobs.get(t.JobID); {
	case w.job == nil:
		w.log.Info("dropped a trigger of a deleted job")
		d.drop(w)
		return nil
	case d.cancels.of(t.ID) == "" && d.onHold(w):
		d.pause(ctx, w)
		return nil
	}
	if w.job.serial && !w.known {
		w.calls = 0 // most deliveries only looked whether the run before had ended
	}
	if w.params, w.fault = d.jobs.parameters(w.job); w.fault == nil {
		w.limit = w.params.RetryFor(t.Kind)
	}
	return w
}

// awaitJobs waits until the cache of jobs is as new as a trigger.
func (d *Dispatcher) awaitJobs(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return d.feed.Wait(ctx, seq)
}

// attempt makes the call, unless something speaks against it, and returns what came of it.
func (d *Dispatcher) attempt(ctx context.Context, w *work) outcome {
	faultpoint.Hit(faultpoint.DispatchTaken)
	r := w.result()
	if by := d.cancels.of(w.ID); by != "" {
		return outcome{Result: uncalled(r, by, w)}
	}
	if w.fault != nil {
		return outcome{Result: failed(r, "the job cannot be read: "+w.fault.Error())}
	}
	switch newer, err := d.overtaken(ctx, w); {
	case err != nil:
		w.log.Warn("cannot look for a newer trigger", "error", err.Error())
		return postponed(redeliverSoon)
	case newer:
		return superseded()
	}
	if d.bus.AwaitStore(ctx) != nil {
		return postponed(0) // how the call ends could not be stored
	}
	if o, waits := d.placed(ctx, w); waits {
		return o
	}
	if o, decided := d.overlap(ctx, w, r); decided {
		return o
	}
	if w.atMostOnce() {
		switch err := d.bus.ClaimCall(ctx, w.Trigger); {
		case jet.IsConflict(err):
			return outcome{Result: failed(r, "outcome unknown: the call was begun before, and retry_for 0s forbids a second")}
		case err != nil:
			w.log.Warn("cannot enter the call into the ledger", "error", err.Error())
			return postponed(redeliverSoon)
		}
	}
	o := d.call(ctx, r, w)
	faultpoint.Hit(faultpoint.DispatchCalled)
	return o
}

// overtaken reports whether a trigger of a slot has become pointless: under catch_up latest, when a trigger of a
// newer slot is queued or was called before this one was ever called. A newer trigger notes its slot here before it
// leaves the queue.
func (d *Dispatcher) overtaken(ctx context.Context, w *work) (bool, error) {
	if w.Kind != events.KindCron {
		return false, nil
	}
	if w.fresh && w.params.Options.CatchUp == events.CatchUpLatest && events.MinuteOf(time.Now()) > w.Minute { // else no newer slot can be due
		newest, found, err := d.bus.NewestTrigger(ctx, events.KindCron, w.JobID)
		if err != nil || found && newest.Minute > w.Minute || w.job.slot.Load() > int64(w.Minute) {
			return err == nil, err
		}
	}
	for {
		if old := w.job.slot.Load(); old >= int64(w.Minute) || w.job.slot.CompareAndSwap(old, int64(w.Minute)) {
			return false, nil
		}
	}
}

// awaitEndpoint waits until the circuit breaker lets a call through, then for a worker. It returns false after it
// settled the delivery without either.
func (d *Dispatcher) awaitEndpoint(ctx context.Context, s *semaphore, w *work) bool {
	for {
		p := d.endpoints.allow(time.Now())
		if p.ok {
			if !s.acquire(ctx) {
				d.giveBack(w, 0)
				return false
			}
			if p.probe || d.endpoints.closed() {
				w.probe = p.of
				return true
			}
			s.release()
			continue
		}
		why := d.endpoints.cause()
		left := w.limit - d.age(w)
		if left <= 0 {
			d.finishUncalled(ctx, w, outcome{Result: failed(w.result(), "the endpoint refuses connections: "+why), dead: true})
			return false
		}
		if d.elsewhere(ctx) {
			d.giveBack(w, handBack)
			return false
		}
		d.noteWaiting(w, why, time.Now().Add(p.wait))
		more := d.cancels.next()
		timer := time.NewTimer(min(p.wait, left))
		select {
		case <-timer.C:
		case <-p.closing:
		case <-more:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			d.giveBack(w, 0)
			return false
		}
		if by := d.cancels.of(w.ID); by != "" {
			d.finishUncalled(ctx, w, outcome{Result: uncalled(w.result(), by, w)})
			return false
		}
		if d.onHold(w) {
			d.pause(ctx, w)
			return false
		}
	}
}

// retry returns a trigger to its queue until its next call. It returns false when there is to be none.
func (d *Dispatcher) retry(w *work, o outcome) bool {
	t := tried{calls: w.calls + 1, age: d.age(w), limit: w.limit, asked: o.asked}
	after, ok := t.backoff(d.cfg.RetryWaits, rand.Float64())
	if d.cfg.Secret != "" && d.bus.Trouble().After(o.StartedAt) {
		after, ok = redeliverSoon, true // our own runner uses the same store, which took nothing
	}
	if !ok {
		return false
	}
	w.calls, w.fresh = w.calls+1, false
	next := time.Now().Add(after)
	d.noteWaiting(w, why(o), next)
	d.waiting.failed(w.ID, events.Call{Attempt: w.calls, At: o.StartedAt, Answer: why(o), Next: next.UTC()})
	w.log.Warn("the call failed and will be retried", "attempt", w.calls, "wait", after.Round(time.Millisecond).String(),
		"status", o.HTTP.Status, "error", cutTo(o.HTTP.Response, 200))
	_ = w.Nak(after) // if this is lost the broker redelivers it sooner
	return true
}

// noteWaiting lets STATE show what a trigger waits for.
func (d *Dispatcher) noteWaiting(w *work, why string, next time.Time) {
	d.waiting.put(w.ID, waitingTrigger{jobID: w.JobID, calls: w.calls, up: d.bus.Up(), why: why, next: next, earlier: w.earlier})
}

// giveBack returns a trigger that was not worked on to its queue.
func (d *Dispatcher) giveBack(w *work, after time.Duration) {
	d.uncount(w)
	d.flight.leave(w.ID)
	_ = w.Nak(after) // if this is lost the broker redelivers it by itself
}

// drop takes a trigger off its queue for which there is nothing to do.
func (d *Dispatcher) drop(w *work) {
	d.flight.leave(w.ID)
	d.waiting.done(w.ID, w.JobID, w.old)
	_ = w.Ack() // if this is lost the trigger is redelivered, and dropped then
}
