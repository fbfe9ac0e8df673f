package dispatcher

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// retryDelay is how long a call that failed for a passing reason waits.
const retryDelay = time.Second

// handle brings one delivery to its end, or hands it back to come again.
func (d *Dispatcher) handle(ctx context.Context, m *jet.Delivery) {
	t, err := m.Trigger()
	if err != nil {
		d.log.Error("a trigger cannot be read", "subject", m.Subject, "error", err.Error())
		_ = m.Drop("unreadable")
		return
	}
	log := d.log.With("job_id", t.JobID, "trigger_id", t.ID)
	if !d.flight.enter(t.ID) {
		// A broken connection made the server deliver again what is being worked on.
		_ = m.Nak(retryDelay)
		return
	}
	defer d.flight.leave(t.ID)
	switch done, err := d.history.has(ctx, t, m); {
	case err != nil:
		log.Warn("cannot look for an earlier result", "error", err.Error())
		_ = m.Nak(retryDelay)
		return
	case done:
		_ = m.Ack() // when this is lost the trigger comes again, and ends here again
		return
	}
	if err := d.feed.Wait(ctx, t.JobSeq); err != nil {
		_ = m.Nak(retryDelay)
		return
	}
	j, ok := d.jobs.get(t.JobID)
	switch {
	case !ok:
		log.Info("dropped a trigger of a deleted job")
		_ = m.Ack()
		return
	case t.Kind == events.KindFile && j.Status == events.Disabled:
		_ = m.Nak(5 * time.Second) // its source is about to stop
		return
	}
	d.execute(ctx, m, t, j)
}

// execute makes the call and stores what came of it.
func (d *Dispatcher) execute(ctx context.Context, m *jet.Delivery, t events.Trigger, j *job) {
	log := d.log.With("job_id", t.JobID, "trigger_id", t.ID)
	r := events.Result{
		TriggerID: t.ID, JobID: t.JobID, Kind: t.Kind, Minute: t.Minute, File: t.File,
		TriggeredAt: m.Time.UTC(), Attempts: int(m.Deliveries),
	}
	params, err := d.jobs.parameters(j)
	if err != nil {
		d.finish(ctx, m, t, failed(r, "the job cannot be read: "+err.Error()), false)
		return
	}
	limit := params.RetryFor(t.Kind)
	if limit == 0 {
		defer d.release(ctx, t)
		switch err := d.bus.ClaimCall(ctx, t); {
		case jet.IsConflict(err):
			d.finish(ctx, m, t, failed(r, "outcome unknown: the call was begun before, and retry_for 0s forbids a second"), false)
			return
		case err != nil:
			log.Warn("cannot enter the call into the ledger", "error", err.Error())
			_ = m.Nak(retryDelay)
			return
		}
	}
	r, again := d.call(ctx, r, t, j, params)
	if r.Status == superseded {
		d.decide(ctx, m, events.VerdictOn(t, m.Time, events.VerdictSuperseded, "rewritten"))
		return
	}
	if again && time.Since(m.Time)+retryDelay < limit {
		log.Warn("the call failed and will be tried again", "status", r.HTTP.Status, "error", r.HTTP.Response)
		_ = m.Nak(retryDelay)
		return
	}
	d.finish(ctx, m, t, r, again)
}

// decide records a verdict in place of a result, then takes the trigger off its queue.
func (d *Dispatcher) decide(ctx context.Context, m *jet.Delivery, v events.Verdict) {
	log := d.log.With("job_id", v.JobID, "trigger_id", v.TriggerID)
	if err := d.persist(ctx, "record a verdict", func(ctx context.Context) error { return d.bus.CopyVerdict(ctx, v) }); err != nil {
		log.Error("a verdict could not be recorded; the trigger will be tried again", "error", err.Error())
		return
	}
	if err := m.Ack(); err != nil {
		log.Warn("a decided trigger could not be acked; it will come again and be decided again", "error", err.Error())
	}
	log.Info("not called", "verdict", v.Verdict, "reason", v.Reason)
}

// release forgets that a call was begun, now that its result is stored. An
// entry that stays is only a few bytes, and goes with its job.
func (d *Dispatcher) release(ctx context.Context, t events.Trigger) {
	if done, err := d.bus.HasResult(ctx, t.JobID, t.ID, t.At); err == nil && done {
		_ = d.bus.ReleaseCall(ctx, t)
	}
}

// finish stores the result, then takes the trigger off its queue. The result is
// tried for as long as this process lives: the call has been made.
func (d *Dispatcher) finish(ctx context.Context, m *jet.Delivery, t events.Trigger, r events.Result, dead bool) {
	log := d.log.With("job_id", t.JobID, "trigger_id", t.ID)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if dead {
		if err := d.persist(ctx, "store a dead letter", func(ctx context.Context) error { return d.bus.PutDead(ctx, t, r) }); err != nil {
			log.Error("a dead letter could not be stored; the trigger will be tried again", "error", err.Error())
			return
		}
	}
	if err := d.persist(ctx, "store a result", func(ctx context.Context) error { return d.bus.PutResult(ctx, r) }); err != nil {
		log.Error("a result could not be stored; the trigger will be tried again", "error", err.Error())
		return
	}
	if err := m.Ack(); err != nil {
		log.Warn("a finished trigger could not be acked; it will come again and end at its result", "error", err.Error())
	}
	log.Info("called", "kind", string(t.Kind), "status", string(r.Status), "http_status", r.HTTP.Status, "flow_job_id", r.FlowJobID)
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
