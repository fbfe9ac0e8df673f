package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
	"spool.internal/services/runner/place"
)

// errElsewhere says that the attempt before was begun by the runner of another place, which alone can
// tell what became of it: the run waits in the queue of that place.
type errElsewhere struct{ place string }

func (e errElsewhere) Error() string { return "an attempt was begun on machine " + e.place }

// elsewhere is that error for a process that was started at another place than ours.
func (r *Runner) elsewhere(p events.Process) error {
	if p.Place == "" || p.Place == r.cfg.Place {
		return nil
	}
	return errElsewhere{p.Place}
}

// queueOf is the queue that a run stands in: that of its place, or of the pool.
func (r *Runner) queueOf(run events.Run) string { return events.RunQueueOf(r.cfg.Pool, run.Place) }

// moveTo puts a run that was delivered into the queue of a place; "" is the pool's. Then its delivery
// can be acked.
func (r *Runner) moveTo(ctx context.Context, d *jet.Delivery, run events.Run, to string) error {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	run.Place = to
	return r.bus.MoveRun(ctx, d.Sequence, r.queueOf(run), run)
}

// interrupt publishes that the last attempt of a run was cut short, so that the next one may begin at
// once, wherever its files are. Its flow is dead. When something has happened to the run since seq
// nothing is published.
func (r *Runner) interrupt(ctx context.Context, run events.Run, started events.RunEvent, seq uint64, why string) error {
	ev := event(events.Retrying, run, time.Now())
	ev.Attempt, ev.StartedAt, ev.Next, ev.Message, ev.Place = started.Attempt, started.At, ev.At, "cut short: "+why, started.Place
	ev.Attempts = started.Attempts
	ev.Attempts = ev.AttemptsWith()
	_, err := r.bus.NextRunEvent(ctx, ev, seq)
	if jet.IsConflict(err) {
		return nil
	}
	if err == nil {
		r.logOf(run).Info("a run was cut short", "attempt", ev.Attempt, "cause", why)
	}
	return err
}

// bury finds the runs that were under way on this machine when its last runner died, makes sure that
// nothing is left of them, and says so.
func (r *Runner) bury(ctx context.Context) (faults error) {
	for _, queue := range []string{r.queueOf(events.Run{Place: r.cfg.Place}), r.cfg.Pool} {
		upTo, err := r.bus.DeliveredRuns(ctx, queue)
		if err != nil || upTo == 0 {
			faults = errors.Join(faults, err)
			continue
		}
		err = r.bus.RunQueue(queue).Since(ctx, time.Time{}, func(m jet.Entry[events.Run]) bool {
			if m.Sequence > upTo || ctx.Err() != nil {
				return false
			}
			if run, err := m.Value(); err == nil {
				faults = errors.Join(faults, r.buryRun(ctx, run))
			}
			return true
		})
		faults = errors.Join(faults, err)
	}
	return faults
}

func (r *Runner) buryRun(ctx context.Context, run events.Run) error {
	if r.has(run.FlowJobID) {
		return nil
	}
	last, seq, err := r.bus.LastRunEvent(ctx, run.JobID, run.FlowJobID)
	if err != nil || last.Phase != events.Started || last.Process == nil || last.Process.Place != r.cfg.Place {
		return err
	}
	if p, err := place.Read(r.cfg.DataDir, run.FlowJobID); err != nil || p != nil {
		return err // it has ended, and its outputs are placed when it is delivered
	}
	if err := r.proveDead(ctx, run, last); err != nil {
		return fmt.Errorf("run %s: %w", run.FlowJobID, err)
	}
	return r.interrupt(ctx, run, last, seq, "Spool, or the machine "+r.cfg.Place+", stopped or died")
}

// noteStop notes, for an attempt that did not end, that its flow was ended by its runner; with a place
// others may be waiting for that.
func (r *Runner) noteStop(ctx context.Context, a *attempt, started events.RunEvent, seq uint64, over error) {
	if _, retried := errors.AsType[notYet](over); over == nil || retried {
		return
	}
	a.noteStop()
	if r.cfg.Place == "" || !errors.Is(over, errStopped) {
		return
	}
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	if err := r.interrupt(ctx, a.run, started, seq, "Spool was stopped on machine "+r.cfg.Place); err != nil {
		r.logOf(a.run).Debug("that a run was cut short could not be stored, and is found when this machine is there again", "error", err.Error())
	}
}
