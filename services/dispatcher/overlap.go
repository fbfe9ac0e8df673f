package dispatcher

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// turnPoll is how often the file that is next in a job with overlap queue looks
// whether the run before it has ended.
const turnPoll = 250 * time.Millisecond

// turnLost is after how long a turn counts as over whose trigger left neither a
// result nor a verdict: somebody took it off its queue by hand. It is more than
// any retry_for.
const turnLost = 8 * 24 * time.Hour

// tracks reports whether the ends of runs are known.
func (d *Dispatcher) tracks() bool { return d.cfg.Secret != "" || d.cfg.TrackRuns }

// takeTurn makes sure that a job's previous run has ended before its next is
// called for. The turn is an entry in the ledger: it is taken before the call, so
// that of all dispatchers one calls, and holds until the run that came of it has
// ended. busy says that it is another's.
func (d *Dispatcher) takeTurn(ctx context.Context, w *work) (busy bool, err error) {
	turn, seq, err := d.bus.Turn(ctx, w.JobID)
	if err != nil {
		return false, err
	}
	if turn.TriggerID == w.ID && turn.StoredAt.Equal(w.stored()) {
		return false, nil // it is called again
	}
	if turn.TriggerID != w.ID { // else it was a dead letter, which has no run
		if over, err := d.over(ctx, w.JobID, turn); err != nil || !over {
			return true, err
		}
	}
	err = d.bus.TakeTurn(ctx, w.JobID, jet.Turn{TriggerID: w.ID, StoredAt: w.stored()}, seq)
	if jet.IsConflict(err) {
		return true, nil
	}
	return false, err
}

// over reports whether what a trigger led to has ended.
func (d *Dispatcher) over(ctx context.Context, jobID string, turn jet.Turn) (bool, error) {
	if turn.TriggerID == "" || time.Since(turn.StoredAt) > turnLost {
		return true, nil
	}
	r, found, err := d.bus.ResultOf(ctx, jobID, turn.TriggerID, turn.StoredAt)
	if err != nil || !found {
		return false, err
	}
	if r.Status != events.OK || !events.IsToken(r.FlowJobID) {
		return true, nil // no run came of it, or one that cannot be known
	}
	_, seq, err := d.bus.RunEvent(ctx, events.Ended, jobID, r.FlowJobID)
	return seq > 0, err
}

// leaveTurn gives the turn of a trigger up that leaves no result.
func (d *Dispatcher) leaveTurn(ctx context.Context, w *work) error {
	if w.params == nil || w.params.Options.Overlap == "allow" {
		return nil
	}
	return d.giveTurn(ctx, w)
}

func (d *Dispatcher) giveTurn(ctx context.Context, w *work) error {
	turn, seq, err := d.bus.Turn(ctx, w.JobID)
	if err != nil || turn.TriggerID != w.ID {
		return err
	}
	return d.bus.TakeTurn(ctx, w.JobID, jet.Turn{}, seq)
}

// overlap says what speaks against calling for a run now: an outcome in place of
// the call, or that the trigger has to wait.
func (d *Dispatcher) overlap(ctx context.Context, w *work, r events.Result) (o outcome, decided, wait bool, err error) {
	policy := w.params.Options.Overlap
	if policy == "allow" {
		return o, false, false, nil
	}
	if !d.tracks() {
		return outcome{Result: failed(r, "spool.overlap: "+policy+" needs to know when runs end: start the dispatcher with --track-runs, or use the built-in runner")}, true, false, nil
	}
	busy, err := d.takeTurn(ctx, w)
	switch {
	case err != nil || !busy:
		return o, false, false, err
	case policy == "skip":
		return outcome{verdict: events.VerdictSkipped, reason: "the run before it had not ended"}, true, false, nil
	default:
		return o, false, true, nil
	}
}
