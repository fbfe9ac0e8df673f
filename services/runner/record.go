package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/daemon"
)

// farewell is how long after the end of Run's context events may still be published. It is longer
// than flows may take to stop.
const farewell = 3500 * time.Millisecond

func (r *Runner) logOf(run events.Run) *slog.Logger {
	return r.log.With("job_id", run.JobID, "trigger_id", run.TriggerID, "flow_job_id", run.FlowJobID)
}

// event is what the events of all phases of a run have in common.
func event(p events.Phase, run events.Run, at time.Time) events.RunEvent {
	return events.RunEvent{
		Phase: p, At: at.UTC(), FlowJobID: run.FlowJobID, TriggerID: run.TriggerID, JobID: run.JobID, Owner: run.Owner,
		BinaryPath: run.BinaryPath, InputDir: run.InputDir, OutputFolder: run.OutputFolder, Chain: run.Chain, Cause: run.Cause, Place: run.Place,
	}
}

// announce publishes that a run was accepted, unless the run has an event already.
func (r *Runner) announce(ctx context.Context, run events.Run) (events.RunEvent, uint64, error) {
	ev := event(events.Accepted, run, run.AcceptedAt)
	seq, err := r.bus.NextRunEvent(ctx, ev, 0)
	return ev, seq, err
}

// forgotten is how old a run is at least when its events may be gone, and only its key be kept.
const forgotten = time.Minute

// lastOf reads the last event of a run, and the sequence that the next one has to expect; both are
// zero while there is none. Of a run that ended so long ago that its events are gone, it is an end
// without a status.
func (r *Runner) lastOf(ctx context.Context, run events.Run) (events.RunEvent, uint64, error) {
	last, seq, err := r.bus.LastRunEvent(ctx, run.JobID, run.FlowJobID)
	if err != nil || seq > 0 || time.Since(run.AcceptedAt) < forgotten {
		return last, seq, err
	}
	if kept, err := r.bus.IsKept(ctx, run.FlowJobID); err != nil || !kept {
		return last, 0, err
	}
	return event(events.Ended, run, time.Time{}), 0, nil
}

// known refuses the end of a run whose events are gone: nobody can say how it ended.
func known(last events.RunEvent) error {
	if last.Phase == events.Ended && last.Status == "" {
		return events.Faultf(events.NotFound, "job_id", "the run has ended, and what became of it is not kept any more")
	}
	return nil
}

// standing is lastOf, and publishes `accepted` when there is no event yet: the process that accepted
// the run may have died first.
func (r *Runner) standing(ctx context.Context, run events.Run) (events.RunEvent, uint64, error) {
	for {
		last, seq, err := r.lastOf(ctx, run)
		if err != nil || last.Phase != "" {
			return last, seq, err
		}
		if last, seq, err = r.announce(ctx, run); !jet.IsConflict(err) {
			return last, seq, err
		}
	}
}

// claim publishes the start of an attempt, unless the run has got another event since standing read
// it. errOver says that it has ended, errRival that another runner has it.
func (r *Runner) claim(ctx context.Context, ev events.RunEvent, seq uint64) (uint64, error) {
	started, err := r.bus.NextRunEvent(ctx, ev, seq)
	if !jet.IsConflict(err) {
		return started, err
	}
	last, _, err := r.bus.LastRunEvent(ctx, ev.JobID, ev.FlowJobID)
	switch {
	case err != nil:
		return 0, err
	case last.Phase == events.Ended:
		return 0, errOver
	}
	return 0, errRival
}

// end publishes how an attempt ended, unless the run has ended by now. seq is the last event of the
// run that this runner knows. The process is gone and only this runner knows how, so publishing is
// retried until it succeeds, or until farewell after the end of ctx. When another runner has started
// a later attempt meanwhile, that runner publishes the end.
func (r *Runner) end(ctx context.Context, ev events.RunEvent, seq uint64, log *slog.Logger) error {
	_, err := r.record(ctx, ev, seq, log)
	return err
}

// record is end, and returns the event that was stored: a failure of a run whose cancelling was
// requested is not retried.
func (r *Runner) record(ctx context.Context, ev events.RunEvent, seq uint64, log *slog.Logger) (events.RunEvent, error) {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	retry := wait.Backoff{First: 50 * time.Millisecond, Last: 2 * time.Second}
	for logged := false; ; {
		_, err := r.bus.NextRunEvent(ctx, ev, seq)
		if err == nil {
			return ev, nil
		}
		if jet.IsConflict(err) {
			var last events.RunEvent
			last, seq, err = r.bus.LastRunEvent(ctx, ev.JobID, ev.FlowJobID)
			switch {
			case err != nil:
			case last.Phase == events.Ended:
				return last, nil
			case last.Phase == events.Cancelling && last.Attempt == ev.Attempt && !ev.StartedAt.IsZero():
				if ev.Phase == events.Retrying {
					ev.Phase, ev.Next, ev.Message = events.Ended, time.Time{}, last.Message+"; "+ev.Message
				}
				continue // asked for while our attempt was ending
			default:
				return ev, errRival
			}
		}
		if ctx.Err() != nil {
			return ev, fmt.Errorf("the end of the run could not be stored: %w", err)
		}
		if !logged {
			logged = true
			log.Warn("the end of a run cannot be stored yet and is tried until it is", "error", err.Error())
		}
		_ = retry.Wait(ctx)
	}
}
