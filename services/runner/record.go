package runner

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
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
		BinaryPath: run.BinaryPath, InputDir: run.InputDir, OutputFolder: run.OutputFolder,
	}
}

// announce publishes that a run was accepted, once, whoever calls it how often.
func (r *Runner) announce(ctx context.Context, run events.Run) error {
	err := r.bus.PutRunEvent(ctx, event(events.Accepted, run, run.AcceptedAt), 0)
	if jet.IsConflict(err) {
		return nil
	}
	return err
}

func (r *Runner) hasEnded(ctx context.Context, run events.Run) (bool, error) {
	_, seq, err := r.bus.RunEvent(ctx, events.Ended, run.JobID, run.FlowJobID)
	return seq > 0, err
}

// lastStart reads the newest `started` of a run and the sequence that the next
// one has to expect; before the first attempt both are zero.
func (r *Runner) lastStart(ctx context.Context, run events.Run) (ev events.RunEvent, seq uint64, err error) {
	return r.bus.RunEvent(ctx, events.Started, run.JobID, run.FlowJobID)
}

// claim publishes the start of an attempt if no other has been published since
// lastStart was read.
func (r *Runner) claim(ctx context.Context, ev events.RunEvent, seq uint64) error {
	err := r.bus.PutRunEvent(ctx, ev, seq)
	if jet.IsConflict(err) {
		return errRival
	}
	return err
}

// end publishes how an attempt ended. The process is gone and nothing else
// knows, so it is tried until it is stored or ctx has ended for a while. When a
// later attempt has started meanwhile, its runner speaks for the run.
func (r *Runner) end(ctx context.Context, ev events.RunEvent, log *slog.Logger) error {
	ctx, cancel := outlive(ctx, farewell)
	defer cancel()
	run := events.Run{JobID: ev.JobID, FlowJobID: ev.FlowJobID}
	for wait, said := 50*time.Millisecond, false; ; wait = min(2*wait, 2*time.Second) {
		last, _, err := r.lastStart(ctx, run)
		if err == nil && last.Attempt > ev.Attempt {
			return errRival
		}
		if err == nil {
			err = r.bus.PutRunEvent(ctx, ev, 0)
		}
		if err == nil || jet.IsConflict(err) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the end of the run could not be stored: %w", err)
		}
		if !said {
			said = true
			log.Warn("the end of a run cannot be stored yet and is tried until it is", "error", err.Error())
		}
		pause(ctx, wait)
	}
}

// outlive gives a context that ends d after ctx.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
