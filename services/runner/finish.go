package runner

import (
	"context"
	"errors"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/services/runner/process"
)

// finish stores how an attempt ended whose flow has begun; why is set when the flow was stopped.
func (r *Runner) finish(ctx context.Context, a *attempt, f *process.Flow, seq uint64, why error) error {
	_ = a.printed.Flush() // a log that takes no more says so itself
	msg := a.outcome(f, why)
	if why == nil {
		if fault := startFault(f, a.runlog.Tail()); fault != "" {
			msg = events.NotBegunMessage(msg)
		} else {
			msg = r.denied(a, f, r.explain(a, f, msg))
		}
	}
	ev := a.ended(a.began, msg)
	if why == nil && f.State.Exited() {
		ev.ExitStatus = new(f.State.ExitStatus())
	}
	superseded := errors.Is(r.inputAsTaken(a.run), errSuperseded)
	if superseded {
		ev.Status = events.ERROR
		ev.Message = strings.TrimSuffix("input changed during the run; "+ev.Message, "; ")
	}
	if missing := a.runlog.Close(); missing != nil {
		ev.Message = strings.TrimPrefix(ev.Message+"; "+missing.Error(), "; ")
		a.log.Warn("the log of a run is not whole", "error", missing.Error())
	}
	a.report(&ev)
	if err := r.settleEnd(ctx, a, &ev, seq, superseded); err != nil {
		return err
	}
	a.log.Info("run ended", "status", string(ev.Status), "reason", f.State.String(), "duration", ev.At.Sub(a.began).Round(time.Millisecond).String())
	return nil
}

// settleEnd stores how an attempt ended, after its outputs are placed.
func (r *Runner) settleEnd(ctx context.Context, a *attempt, ev *events.RunEvent, seq uint64, superseded bool) error {
	if a.base == nil || ev.Status != events.OK {
		return r.conclude(ctx, a, *ev, seq, superseded)
	}
	m, err := r.place(ctx, a, ev)
	if err != nil {
		return err
	}
	return r.concludePlaced(ctx, a, m, *ev, seq)
}
