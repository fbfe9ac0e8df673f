package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

// farewell is how long after the end of Run's context an `ended` may still be
// published. It is more than the flows are given to stop.
const farewell = 3500 * time.Millisecond

func (r *Runner) logOf(run events.Run) *slog.Logger {
	return r.log.With("job_id", run.JobID, "trigger_id", run.TriggerID, "flow_job_id", run.FlowJobID)
}

// event is what every phase of a run says.
func event(p events.Phase, run events.Run, at time.Time) events.RunEvent {
	return events.RunEvent{
		Phase: p, At: at.UTC(), FlowJobID: run.FlowJobID, TriggerID: run.TriggerID, JobID: run.JobID, Owner: run.Owner,
		BinaryPath: run.BinaryPath, InputDir: run.InputDir, OutputFolder: run.OutputFolder, Chain: run.Chain, Cause: run.Cause,
	}
}

// announce publishes that a run was accepted, if nothing is known of it yet.
func (r *Runner) announce(ctx context.Context, run events.Run) (events.RunEvent, uint64, error) {
	ev := event(events.Accepted, run, run.AcceptedAt)
	seq, err := r.bus.NextRunEvent(ctx, ev, 0)
	return ev, seq, err
}

// standing reads the last event of a run, and the sequence that the next one has
// to expect. Who accepted the run may have died before it was announced, or be a
// moment behind; `accepted` comes first.
func (r *Runner) standing(ctx context.Context, run events.Run) (events.RunEvent, uint64, error) {
	for {
		last, seq, err := r.bus.LastRunEvent(ctx, run.JobID, run.FlowJobID)
		if err != nil || seq > 0 {
			return last, seq, err
		}
		if last, seq, err = r.announce(ctx, run); !jet.IsConflict(err) {
			return last, seq, err
		}
	}
}

// claim publishes the start of an attempt, if nothing has happened to the run
// since its standing was read. errOver says that it has ended instead.
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

// end publishes how an attempt ended, unless the run has ended by now; seq is the last event that this runner
// knows of the run. The process is gone and nothing else knows, so it is tried
// until it is stored or ctx has ended for a while. When a later attempt has
// started meanwhile, its runner speaks for the run.
func (r *Runner) end(ctx context.Context, ev events.RunEvent, seq uint64, log *slog.Logger) error {
	_, err := r.record(ctx, ev, seq, log)
	return err
}

// record is end, and gives the event that the run has come to: of a run that
// somebody wants ended no failure is retried.
func (r *Runner) record(ctx context.Context, ev events.RunEvent, seq uint64, log *slog.Logger) (events.RunEvent, error) {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	for wait, said := 50*time.Millisecond, false; ; wait = min(2*wait, 2*time.Second) {
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
		if !said {
			said = true
			log.Warn("the end of a run cannot be stored yet and is tried until it is", "error", err.Error())
		}
		daemon.Pause(ctx, wait)
	}
}
