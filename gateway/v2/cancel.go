package v2

import (
	"context"
	"errors"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// How long the answer to a cancel waits for the end.
const (
	cancelWait = 2 * time.Second
	cancelLook = 50 * time.Millisecond
)

// CancelExecution ends an execution: before its call, in the queue of the runner, or while
// it runs. One that takes longer to end is given as it is then.
func (a *API) CancelExecution(ctx context.Context, who change.Caller, triggerID string) (Execution, error) {
	s, err := a.story(ctx, who, triggerID)
	if err == nil {
		err = who.Reaches(s.job)
	}
	if err != nil {
		return Execution{}, err
	}
	for until := time.Now().Add(cancelWait); s.outcome() != events.OutcomeCancelled; {
		if !s.ended().IsZero() {
			return Execution{}, wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "has ended already: %s", s.last())
		}
		if err := a.askToEnd(ctx, s, who.Owner); err != nil {
			return Execution{}, err
		}
		if time.Now().After(until) {
			break
		}
		if err := wait.Sleep(ctx, cancelLook); err != nil {
			return Execution{}, err
		}
		if s, err = a.storyOf(ctx, s.job, s.id); err != nil {
			return Execution{}, err
		}
	}
	return s.show(), nil
}

func (a *API) cancelExecution(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	x, err := a.CancelExecution(r.Context(), a.Caller(r), triggerID(r))
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if x.Outcome == events.OutcomeCancelled {
		status = http.StatusOK
	}
	wire.Write(w, status, x)
	return nil
}

// askToEnd asks for the end of an execution, unless somebody has.
func (a *API) askToEnd(ctx context.Context, s *story, owner string) error {
	switch {
	case s.newest != nil && s.newest.Phase == events.Cancelling:
		return nil
	case s.result == nil && s.newest == nil:
		return a.cancelBefore(ctx, s, owner)
	}
	if s.outcome() == events.OutcomeNotKept {
		return wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "what became of the run is not kept any more: there is nothing to cancel")
	}
	started, begun := s.phases[events.Started]
	if s.outcome() == events.OutcomeCalled || begun && started.Process == nil {
		return s.notOurs("end")
	}
	runner, host := "", ""
	if begun && s.newest.Phase == events.Started {
		runner, host = started.Process.Runner, started.Process.Host
	}
	_, pool, found, err := a.Bus.AcceptedIn(ctx, s.flow)
	if err == nil && !found {
		err = s.notOurs("end")
	}
	if err != nil {
		return err
	}
	_, err = a.asks().AskCancel(ctx, runner, pool, events.CancelAsk{FlowJobID: s.flow, By: owner})
	if errors.Is(err, jet.ErrRunnerAway) && runner == "" {
		return events.Faultf(events.Unavailable, "", "no runner of the pool %s answers: the run waits until one is there, and can be cancelled then", pool)
	}
	if errors.Is(err, jet.ErrRunnerAway) {
		return events.Faultf(events.Unavailable, "", "the runner on %s, which has the run, does not answer: nothing was cancelled; try again when it is back", host)
	}
	if err == nil {
		a.Log.Info("a run is to be cancelled", "job_id", s.job.ID, "trigger_id", s.id, "flow_job_id", s.flow, "user", owner)
	}
	return err
}

// cancelBefore has a trigger end that waits for its call. Of the run that it would start this is
// the first event, and so the claim: whatever its call does, that run does not begin.
func (a *API) cancelBefore(ctx context.Context, s *story, owner string) error {
	ev := events.RunEvent{
		Phase: events.Cancelling, At: time.Now().UTC(), FlowJobID: s.flow, TriggerID: s.id, JobID: s.job.ID, Owner: s.job.Username,
		Message: events.CancelledBy + owner,
	}
	if p, err := s.job.Plan(nil); err == nil {
		ev.BinaryPath, ev.InputDir, ev.OutputFolder = p.Parameters.BinaryText, p.Parameters.InputText, p.OutputDir().String()
	}
	err := a.Bus.PutCancelBefore(ctx, ev)
	if jet.IsConflict(err) {
		return nil // it was accepted meanwhile: the next look sees it
	}
	if err == nil {
		a.Log.Info("a trigger is cancelled before its call", "job_id", s.job.ID, "trigger_id", s.id, "user", owner)
	}
	return err
}
