package dispatcher

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

// soon is after how long a delivery that nothing could be done with comes back.
const soon = time.Second

// work is a delivery and what is known of it.
type work struct {
	*jet.Delivery
	events.Trigger
	job    *job
	params *events.Parameters
	fault  error         // why the job cannot be read
	limit  time.Duration // until this age it is called again
	calls  int           // made before, as far as is known
	fresh  bool          // it has certainly not been called before
	old    bool          // a former process may have worked on it
	run    string        // as which it is counted: see [running]
	ends   *jet.Ends     // the ledger of how triggers of its queue ended
	log    *slog.Logger
}

// age is how long a trigger could have been called for: it is not at fault for what the
// store was short of, and its first call may have failed because of that.
func (d *Dispatcher) age(w *work) time.Duration {
	since := w.stored()
	if trouble := d.bus.Trouble(); trouble.After(since) {
		since = trouble
	}
	return time.Since(since)
}

// stored is when the trigger was stored.
func (w *work) stored() time.Time { return w.Delivery.Time }

// take brings a delivery to a worker. It blocks while all are busy or the store takes
// nothing, but not before a shut gate: what stands there gets too old one by one.
func (d *Dispatcher) take(ctx context.Context, s *semaphore, m *jet.Delivery) {
	if d.bus.AwaitStore(ctx) != nil {
		_ = m.Nak(0) // when this is lost it comes again by itself
		return
	}
	w := d.prepare(ctx, m)
	if w == nil || !d.admit(ctx, w) {
		return
	}
	if w.limit == 0 || d.breaker.closed() {
		if !s.acquire(ctx, d.workers) {
			d.handBack(w, 0)
			return
		}
		if w.limit == 0 || d.breaker.closed() {
			d.calls.Go(func() { d.work(ctx, s, w) })
			return
		}
		s.release(d.workers)
	}
	d.calls.Go(func() {
		if d.stand(ctx, s, w) {
			d.work(ctx, s, w)
		}
	})
}

// prepare settles what needs no call; what does is given.
func (d *Dispatcher) prepare(ctx context.Context, m *jet.Delivery) *work {
	t, err := m.Trigger()
	if err != nil {
		d.log.Error("a trigger cannot be read", "subject", m.Subject, "error", err.Error())
		_ = m.Drop("unreadable") // when this fails it comes again, and ends here again
		return nil
	}
	if !d.flight.enter(t.ID) {
		// A broken connection made the server deliver again what is being worked on.
		_ = m.Nak(soon)
		return nil
	}
	w := &work{Delivery: m, Trigger: t, old: m.Deliveries > 1, ends: d.ends[m.Stream()], log: d.log.With("job_id", t.JobID, "trigger_id", t.ID)}
	known, ours := d.waiting.get(t.ID)
	if ours = ours && known.up.Equal(d.bus.Up()); ours {
		w.calls, w.fresh = known.calls, known.calls == 0
	} else {
		w.calls, w.fresh = int(m.Deliveries)-1, m.Deliveries == 1 // it may have been called each time it was delivered
		end, over, err := d.prior.find(ctx, t, m)
		if err == nil && over {
			err = d.resume(ctx, w, end)
		}
		switch {
		case err != nil:
			w.log.Warn("cannot look for an earlier result", "error", err.Error())
			d.handBack(w, soon)
			return nil
		case over:
			d.done(w) // when the ack is lost the trigger comes again, and ends here again
			return nil
		}
	}
	if err := d.upToDate(ctx, t.JobSeq); err != nil {
		d.handBack(w, soon)
		return nil
	}
	j, ok := d.jobs.get(t.JobID)
	switch {
	case !ok:
		w.log.Info("dropped a trigger of a deleted job")
		d.done(w)
		return nil
	case d.onHold(w):
		d.putAside(ctx, w)
		return nil
	}
	w.job = j
	if j.serial && !ours {
		w.calls = 0 // most deliveries were only looks at whose turn it is
	}
	if w.params, w.fault = d.jobs.parameters(j); w.fault == nil {
		w.limit = w.params.RetryFor(t.Kind)
	}
	return w
}

// upToDate waits until the picture of the jobs is as new as a trigger.
func (d *Dispatcher) upToDate(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return d.feed.Wait(ctx, seq)
}

// stand waits before the gate, then for a worker. false says that the delivery
// is settled without one.
func (d *Dispatcher) stand(ctx context.Context, s *semaphore, w *work) bool {
	for {
		p := d.breaker.allow(time.Now())
		if p.ok {
			if !s.acquire(ctx, d.workers) {
				d.handBack(w, 0)
				return false
			}
			if p.probe || d.breaker.closed() {
				return true
			}
			s.release(d.workers)
			continue
		}
		why := d.breaker.cause()
		left := w.limit - d.age(w)
		if left <= 0 {
			defer d.flight.leave(w.ID)
			defer d.uncount(w)
			ending, cancel := daemon.Linger(ctx, grace)
			defer cancel()
			d.finish(ending, w, failed(w.result(), "the endpoint refuses connections: "+why), true)
			return false
		}
		d.wait(w, why, time.Now().Add(p.wait))
		timer := time.NewTimer(min(p.wait, left))
		select {
		case <-timer.C:
		case <-p.closing:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			d.handBack(w, 0)
			return false
		}
		if d.onHold(w) {
			d.putAside(ctx, w)
			return false
		}
	}
}

// work makes the call and settles the delivery by what came of it. The worker
// is free as soon as the answer is there.
func (d *Dispatcher) work(ctx context.Context, s *semaphore, w *work) {
	defer d.flight.leave(w.ID)
	ctx, cancel := daemon.Linger(ctx, grace)
	defer cancel()
	faultpoint.Hit(faultpoint.DispatchTaken)
	o, settled := d.attempt(ctx, w)
	s.release(d.workers)
	if !settled && o.verdict == "" && !o.passing && o.Status == events.OK && events.IsToken(o.FlowJobID) {
		d.running.rename(w.run, o.FlowJobID) // it counts until it ends
		w.run = ""
	}
	defer d.uncount(w)
	switch {
	case settled:
	case o.verdict != "":
		d.decide(ctx, w, o.verdict, o.reason)
	case o.passing && ctx.Err() != nil:
		_ = w.Nak(0) // cut off because this process stops
	case o.passing:
		d.tryAgain(ctx, w, o)
	default:
		d.finish(ctx, w, o.Result, false)
	}
}

// attempt makes the call, unless something speaks against it.
func (d *Dispatcher) attempt(ctx context.Context, w *work) (o outcome, settled bool) {
	r := w.result()
	if w.fault != nil {
		return outcome{Result: failed(r, "the job cannot be read: "+w.fault.Error())}, false
	}
	newer, err := d.overtaken(ctx, w)
	if err != nil {
		w.log.Warn("cannot look for a newer trigger", "error", err.Error())
		_ = w.Nak(soon)
		return o, true
	}
	if newer {
		return outcome{verdict: events.VerdictSuperseded, reason: "a newer slot was due before this one was called"}, false
	}
	if d.bus.AwaitStore(ctx) != nil { // how the call ends could not be stored
		_ = w.Nak(0)
		return o, true
	}
	o, decided, wait, err := d.overlap(ctx, w, r)
	switch {
	case err != nil:
		w.log.Warn("cannot look whether the run before has ended", "error", err.Error())
		_ = w.Nak(soon)
		return o, true
	case wait:
		wait := soon
		if w.Kind == events.KindFile {
			wait = turnPoll // nothing of its job goes before it
		}
		d.wait(w, "", time.Now().Add(wait))
		_ = w.Nak(wait)
		return o, true
	case decided:
		return o, false
	}
	if w.limit == 0 {
		switch err := d.bus.ClaimCall(ctx, w.Trigger); {
		case jet.IsConflict(err):
			return outcome{Result: failed(r, "outcome unknown: the call was begun before, and retry_for 0s forbids a second")}, false
		case err != nil:
			w.log.Warn("cannot enter the call into the ledger", "error", err.Error())
			_ = w.Nak(soon)
			return o, true
		}
	}
	o = d.call(ctx, r, w)
	faultpoint.Hit(faultpoint.DispatchCalled)
	return o, false
}

// overtaken reports whether a trigger of a slot has become pointless: under
// catch_up latest, when one of a newer slot is queued or was called and this one
// was not called yet. Before the newer one leaves the queue its slot is noted.
func (d *Dispatcher) overtaken(ctx context.Context, w *work) (bool, error) {
	if w.Kind != events.KindCron {
		return false, nil
	}
	if w.fresh && w.params.Options.CatchUp == "latest" && time.Now().Unix()/60 > w.Minute { // else no newer slot can be due
		newest, found, err := d.bus.NewestTrigger(ctx, events.KindCron, w.JobID)
		if err != nil || found && newest.Minute > w.Minute || w.job.slot.Load() > w.Minute {
			return err == nil, err
		}
	}
	for {
		if old := w.job.slot.Load(); old >= w.Minute || w.job.slot.CompareAndSwap(old, w.Minute) {
			return false, nil
		}
	}
}

// tryAgain hands a trigger back until its next call, or gives it up.
func (d *Dispatcher) tryAgain(ctx context.Context, w *work, o outcome) {
	wait, ok := again(d.cfg.RetryWaits, w.calls+1, d.age(w), w.limit, o.asked, rand.Float64())
	if d.cfg.Secret != "" && d.bus.Trouble().After(o.StartedAt) {
		wait, ok = soon, true // our own runner has the same store, which took nothing
	}
	if !ok {
		d.finish(ctx, w, o.Result, true)
		return
	}
	w.calls, w.fresh = w.calls+1, false
	d.wait(w, why(o), time.Now().Add(wait))
	w.log.Warn("the call failed and will be made again", "attempt", w.calls, "wait", wait.Round(time.Millisecond).String(),
		"status", o.HTTP.Status, "error", cutTo(o.HTTP.Response, 200))
	_ = w.Nak(wait) // when this is lost it comes back sooner
}

// wait lets others see what a trigger waits for.
func (d *Dispatcher) wait(w *work, why string, next time.Time) {
	d.waiting.put(w.ID, wait{jobID: w.JobID, calls: w.calls, up: d.bus.Up(), why: why, next: next})
}

// handBack gives back what was not worked on.
func (d *Dispatcher) handBack(w *work, after time.Duration) {
	d.uncount(w)
	d.flight.leave(w.ID)
	_ = w.Nak(after) // when this is lost it comes again by itself
}

// done takes off the queue what came to its end before.
func (d *Dispatcher) done(w *work) {
	d.flight.leave(w.ID)
	d.waiting.done(w.ID, w.JobID, w.old)
	_ = w.Ack() // when this is lost it comes again, and ends here again
}

// flight knows the triggers that are being worked on in this process.
type flight struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (f *flight) enter(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ids[id] {
		return false
	}
	f.ids[id] = true
	return true
}

func (f *flight) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ids, id)
}
