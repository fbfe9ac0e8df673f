package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/services/runner/process"
)

// errStopped says that a flow was stopped because its runner stops.
var errStopped = errors.New("the runner is stopping")

// halt is why a flow was stopped: the message that its run ends with.
type halt string

func (h halt) Error() string { return string(h) }

// perform makes the next attempt of a run, and stores how it ended. Its flow lives no longer than
// life. After any error but errOver the run has not ended and has to be delivered again, after a
// [notYet] at its time. Nothing that perform started is left when it returns.
func (r *Runner) perform(ctx, life context.Context, run events.Run) (over error) {
	a, seq, err := r.next(ctx, run)
	if err != nil || a == nil {
		return err
	}
	defer a.clear()
	if err := errors.Join(r.held(), r.leased()); err != nil {
		return err
	}
	if r.cfg.Place != "" {
		a.run.Place = r.cfg.Place
	}
	f, err := r.start(life, a)
	if fault, ok := errors.AsType[*events.Error](err); ok {
		return r.conclude(ctx, a, a.ended(time.Time{}, fault.Error()), seq, errors.Is(err, errSuperseded))
	}
	if err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.RunLaunched)
	began := r.begins(a, f)
	if seq, err = r.claim(ctx, began, seq); err != nil {
		f.Discard()
		return err
	}
	a.began = began.At
	defer func() { r.noteStop(ctx, a, began, seq, over) }()
	if r.leased() != nil { // this process was frozen meanwhile
		f.Discard()
		return errStopped
	}
	faultpoint.Hit(faultpoint.RunStarted)
	r.watch(a, f)
	life, stop := begin(life, f)
	defer stop()
	faultpoint.Hit(faultpoint.RunBegun)
	defer r.keepReach(life, a.reach, f)()
	a.log.Info("run started", "pid", f.PID)
	if limit, whose := r.stepTimeout(a); limit > 0 {
		var cancel context.CancelFunc
		life, cancel = context.WithTimeoutCause(life, limit, halt(fmt.Sprintf("step_timeout: stopped after %s%s", limit, whose)))
		defer cancel()
	}
	life, looked := r.untilLow(life, a)
	defer looked()
	var why error
	if !f.Wait(life) {
		if why = context.Cause(life); !isHalt(why) {
			return errStopped
		}
	}
	faultpoint.Hit(faultpoint.RunOver)
	return r.finish(ctx, a, f, seq, why)
}

// begins is the event of the start of an attempt, which identifies its process.
func (r *Runner) begins(a *attempt, f *process.Flow) events.RunEvent {
	ev := event(events.Started, a.run, time.Now())
	ev.Unmet = append(needNames(r.lacks), needNames(r.missing())...)
	ev.Attempt, ev.Attempts = a.number, a.earlier
	ev.Process = &events.Process{Host: r.reaper.Host, Place: r.cfg.Place, Boot: r.reaper.Boot, PID: f.PID, StartTime: f.StartTime, Runner: r.id}
	return ev
}

// stepTimeout is how long an attempt may take, 0 for as long as it likes, and who
// says so when the job does not.
func (r *Runner) stepTimeout(a *attempt) (limit time.Duration, whose string) {
	if a.settings.timed {
		return a.settings.stepTimeout, ""
	}
	return events.StepTimeoutOf(a.run.Role, r.cfg.StepTimeout), ", the limit of jobs that name none (settings.step_timeout)"
}

func isHalt(err error) bool {
	_, ok := errors.AsType[halt](err)
	return ok
}
