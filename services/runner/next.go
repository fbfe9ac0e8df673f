package runner

import (
	"context"
	"fmt"

	"spool.internal/events"
	"spool.internal/services/runner/record"
)

// next gives the attempt that a run needs now, and the sequence of the run's last event. The
// attempt before is proven dead by then. It gives nil when the run ends without another one.
func (r *Runner) next(ctx context.Context, run events.Run) (a *attempt, seq uint64, err error) {
	last, seq, err := r.standing(ctx, run)
	if err == nil && last.Phase == events.Ended {
		r.tidyUp(run)
	}
	if err != nil || last.Phase == events.Ended {
		return nil, 0, err
	}
	former := last
	if last.Phase == events.Cancelling {
		if former, _, err = r.bus.RunEvent(ctx, events.Started, run.JobID, run.FlowJobID); err != nil {
			return nil, 0, err
		}
	}
	if former.Process != nil {
		if err := r.proveDead(ctx, run, former); err != nil {
			return nil, 0, err
		}
		if done, err := r.resumePlacing(ctx, former, last, run, seq); done || err != nil {
			return nil, 0, err
		}
	}
	log := r.logOf(run)
	a = &attempt{run: run, number: former.Attempt, earlier: former.Attempts}
	if former.Phase == events.Started {
		a.earlier = former.AttemptsWith()
	}
	if last.Phase == events.Cancelling {
		return nil, 0, r.end(ctx, a.ended(former.At, last.Message), seq, log)
	}
	if err := backOff(last); err != nil {
		return nil, 0, err
	}
	ends, err := r.standstill(ctx, run, last)
	if err != nil {
		return nil, 0, err
	}
	if ends != "" {
		log.Info("a run is not started any more", "cause", ends)
		return nil, 0, r.end(ctx, a.givenUp(last, ends), seq, log)
	}
	why, err := poison(r.cfg.DataDir, former)
	if err != nil {
		return nil, 0, err
	}
	if why != "" {
		log.Warn("a run is not started again", "cause", why)
		return nil, 0, r.end(ctx, a.ended(former.At, why), seq, log)
	}
	a.number++
	a.log = log.With("attempt", a.number)
	return a, seq, nil
}

// proveDead makes sure that nothing is left of an attempt that was begun on this machine.
func (r *Runner) proveDead(ctx context.Context, run events.Run, started events.RunEvent) error {
	if err := r.elsewhere(*started.Process); err != nil {
		return err
	}
	out, err := r.hostPath("output_folder", run.OutputFolder)
	if err == nil {
		err = r.reaper.Reap(ctx, *started.Process, marker(run.FlowJobID, out))
	}
	if err != nil {
		return fmt.Errorf("attempt %d: %w", started.Attempt, err)
	}
	if path, err := record.DropPrivate(r.cfg.DataDir, run.FlowJobID); err != nil {
		r.log.Warn("a private folder of a flow is left", "path", path, "error", err.Error())
	}
	return nil
}
