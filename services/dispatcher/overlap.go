package dispatcher

import (
	"cmp"
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// leasePoll is how often the next file of a job with overlap queue asks for the lease.
const leasePoll = 250 * time.Millisecond

// leaseEnds is when a lease ends whose trigger left neither a result nor a verdict: somebody took the trigger off its
// queue by hand. It is more than any retry_for.
const leaseEnds = 8 * 24 * time.Hour

// tracks reports whether the ends of runs are known.
func (d *Dispatcher) tracks() bool { return d.cfg.Secret != "" || d.cfg.TrackRuns }

// overlap reports what a job's overlap policy puts in place of the call, if anything.
func (d *Dispatcher) overlap(ctx context.Context, w *work, r events.Result) (o outcome, decided bool) {
	policy := w.params.Options.Overlap
	if !policy.Serial() {
		return outcome{}, false
	}
	if !d.tracks() {
		return outcome{Result: failed(r, "spool.overlap: "+string(policy)+" needs to know when runs end: start the dispatcher with --track-runs, "+
			"or use the built-in runner")}, true
	}
	blocker, err := d.acquireLease(ctx, w)
	switch {
	case err != nil:
		w.log.Warn("cannot look up whether the run before has ended", "error", err.Error())
		return postponed(redeliverSoon), true
	case blocker == "":
		return outcome{}, false
	case policy == events.OverlapSkip:
		return outcome{verdict: events.VerdictSkipped, reason: events.WhyOverlap, blocker: blocker}, true
	}
	after := redeliverSoon
	if w.Kind == events.KindFile {
		after = leasePoll // no other file of its job is called before it
	}
	d.noteWaiting(w, "", time.Now().Add(after))
	return postponed(after), true
}

// acquireLease makes sure that a job's previous run has ended before the next is called for. The lease is an entry in
// the ledger, acquired before the call, so that one of all dispatchers calls; it ends with the run that came of the
// call. blocker is the other trigger that holds it; empty when none does.
func (d *Dispatcher) acquireLease(ctx context.Context, w *work) (blocker string, err error) {
	lease, seq, err := d.bus.Lease(ctx, w.JobID)
	if err != nil {
		return "", err
	}
	if lease.TriggerID == w.ID && lease.StoredAt.Equal(w.stored()) {
		return "", nil // this is a retry
	}
	if lease.TriggerID != w.ID { // else it was a dead letter, which has no run
		if ended, err := d.leaseEnded(ctx, w.JobID, lease); err != nil || !ended {
			return lease.TriggerID, err
		}
	}
	err = d.bus.TakeLease(ctx, w.JobID, events.Lease{TriggerID: w.ID, StoredAt: w.stored()}, seq)
	if jet.IsConflict(err) {
		lease, _, err = d.bus.Lease(ctx, w.JobID)
		return cmp.Or(lease.TriggerID, w.ID), err // its own: it was released again meanwhile
	}
	return "", err
}

// leaseEnded reports whether the trigger that holds a lease led to no run, or to one that has ended.
func (d *Dispatcher) leaseEnded(ctx context.Context, jobID string, lease events.Lease) (bool, error) {
	if lease.TriggerID == "" || time.Since(lease.StoredAt) > leaseEnds {
		return true, nil
	}
	r, found, err := d.bus.ResultOf(ctx, jobID, lease.TriggerID, lease.StoredAt)
	if err != nil || !found {
		return false, err
	}
	if r.Status != events.OK || !events.IsToken(r.FlowJobID) {
		return true, nil // no run came of it, or one that cannot be known
	}
	_, seq, err := d.bus.RunEvent(ctx, events.Ended, jobID, r.FlowJobID)
	return seq > 0, err
}

// releaseLease ends the lease of a trigger that leaves no result.
func (d *Dispatcher) releaseLease(ctx context.Context, w *work) error {
	lease, seq, err := d.bus.Lease(ctx, w.JobID)
	if err != nil || lease.TriggerID != w.ID {
		return err
	}
	return d.bus.TakeLease(ctx, w.JobID, events.Lease{}, seq)
}
