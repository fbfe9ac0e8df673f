package runner

import (
	"context"
	"errors"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

// errPaused says that the run waits until its job is enabled.
var errPaused = errors.New("the job is disabled")

// clockSkew allows for a gateway whose clock is not ours.
const clockSkew = time.Minute

// standstill says what happens to a run whose attempt is due and whose job is disabled or deleted: it
// waits (errPaused), or ends with the message. A run that was started by hand goes on in a disabled
// job.
func (r *Runner) standstill(ctx context.Context, run events.Run, last events.RunEvent) (ends string, err error) {
	if run.JobID == "" {
		return "", nil
	}
	rev, found, err := r.bus.LastJob(ctx, run.JobID)
	disabled := found && rev.Event.Job.Status == events.Disabled && !byHand(run)
	switch {
	case err != nil:
		return "", err
	case found && !rev.Gone():
		if disabled {
			return "", errPaused
		}
		if rev.Event.At.Add(clockSkew).After(run.AcceptedAt) && last.Phase == events.Accepted {
			return r.marked(ctx, run)
		}
		return "", nil
	case last.Phase == events.Retrying && !last.Interrupted():
		return last.Message + "; not tried again: its job is deleted", nil
	case disabled:
		return events.CancelledBy + rev.Event.By + ": its job was disabled, then deleted", nil
	}
	return "", nil
}

// marked says that the file of a run was marked as run, which is possible only while its job is
// disabled.
func (r *Runner) marked(ctx context.Context, run events.Run) (ends string, err error) {
	f := fileOf(run)
	if f == nil || byHand(run) {
		return "", nil
	}
	by, marked, err := r.bus.MarkedBy(ctx, events.SeenFile{JobID: run.JobID, Path: f.RawPath(), Fingerprint: f.Fingerprint})
	if err != nil || !marked {
		return "", err
	}
	return events.CancelledBy + by + ": the file was marked as run", nil
}

// byHand reports whether a user started the run.
func byHand(run events.Run) bool {
	return run.Kind == events.KindManual || run.Kind == events.KindRetry || strings.HasPrefix(run.TriggerID, string(events.KindManual)+":")
}

// pause takes a run whose job is disabled out of the queue, where it would take up room.
func (r *Runner) pause(ctx context.Context, run events.Run) error {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	if err := r.bus.PauseRun(ctx, r.queueOf(run), run); err != nil {
		return err
	}
	r.paused.Store(true)
	r.logOf(run).Info("a run waits until its job is enabled", "reason", errPaused.Error())
	return nil
}

// keepPaused puts paused runs back into the queue when their job is enabled, or deleted, in which case
// they end there. It returns when ctx ends.
func (r *Runner) keepPaused(ctx context.Context) {
	daemon.KeepResuming(ctx, &r.paused, r.resume, func(err error) {
		r.log.Warn("paused runs could not be put back into the queue and are tried again", "error", err.Error())
	})
}

// resume goes through the paused runs once; left says that some go on waiting.
func (r *Runner) resume(ctx context.Context) (left bool, err error) {
	jobs, err := r.bus.WaitingRuns("").CountByJob(ctx)
	for id := range jobs {
		if err != nil {
			return true, err
		}
		var rev events.JobRevision
		var found bool
		if rev, found, err = r.bus.LastJob(ctx, id); err != nil {
			return true, err
		}
		if found && !rev.Gone() && rev.Event.Job.Status == events.Disabled {
			left = true
			continue
		}
		var failed error
		err = r.bus.PausedRuns(ctx, r.cfg.Pool, id, func(p jet.PausedRun) bool {
			failed = r.bus.ResumeRun(ctx, p)
			return failed == nil
		})
		err = errors.Join(err, failed)
	}
	return left, err
}

// unpause puts a run that has ended while it was paused back into the queue, where it is settled.
func (r *Runner) unpause(ctx context.Context, run events.Run) {
	if run.JobID == "" {
		return
	}
	p, found, err := r.bus.PausedRun(ctx, run.JobID, run.FlowJobID)
	if err == nil && found {
		err = r.bus.ResumeRun(ctx, p)
	}
	if err != nil {
		r.logOf(run).Debug("a run that has ended stays among the paused until its job is enabled", "error", err.Error())
	}
}
