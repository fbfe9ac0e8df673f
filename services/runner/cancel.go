package runner

import (
	"context"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/gateway/wire"
)

// cancel answers POST /api/v1/jobs/cancel with the state of the run. A run that
// has not started ends at once; the flow of one that has is stopped by whoever
// runs it, now or after a restart.
func (r *Runner) cancel(w http.ResponseWriter, req *http.Request) {
	body, err := r.cancelled(w, req)
	if err != nil {
		refuse(w, r.log, err)
		return
	}
	wire.Write(w, http.StatusOK, body)
}

func (r *Runner) cancelled(w http.ResponseWriter, req *http.Request) (statusAnswer, error) {
	c, err := r.authenticate(req)
	if err == nil {
		err = c.mayRun()
	}
	if err != nil {
		return statusAnswer{}, err
	}
	id := req.URL.Query().Get("job_id")
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	if body, err := wire.Body(req); err != nil {
		return statusAnswer{}, err
	} else if len(body) > 0 {
		all, err := events.ParseObject(body)
		if err != nil {
			return statusAnswer{}, err
		}
		if in := events.NewBriefFields(all, ""); in.Given("job_id") {
			if id = in.Text("job_id"); in.Err() != nil {
				return statusAnswer{}, in.Err()
			}
		}
	}
	run, err := r.find(req.Context(), c, id)
	if err != nil {
		return statusAnswer{}, err
	}
	last, err := r.askToEnd(req.Context(), run, events.CancelledBy+c.Owner)
	if err != nil {
		return statusAnswer{}, err
	}
	if last.Phase == events.Ended && !last.Cancelled() {
		return statusAnswer{}, events.Faultf(events.Conflict, "job_id", "the run has ended already (%s)", last.Status)
	}
	return describe(run, last), nil
}

// askToEnd ends a run that has not started or is in backoff, and requests the end of one that has
// started. It returns the last event of the run.
func (r *Runner) askToEnd(ctx context.Context, run events.Run, message string) (events.RunEvent, error) {
	for {
		last, seq, err := r.standing(ctx, run)
		if err == nil {
			err = known(last)
		}
		if err != nil || last.Phase == events.Ended || last.Phase == events.Cancelling {
			return last, err
		}
		ev := event(events.Cancelling, run, time.Now())
		if last.Phase == events.Accepted || last.Phase == events.Retrying {
			ev.Phase, ev.Status = events.Ended, events.ERROR
		}
		ev.Attempt, ev.Attempts, ev.Message = last.Attempt, last.Attempts, message
		if _, err = r.bus.NextRunEvent(ctx, ev, seq); !jet.IsConflict(err) {
			r.logOf(run).Info("a run is cancelled", "phase", string(last.Phase), "message", message)
			if err == nil && ev.Phase == events.Ended {
				r.unpause(ctx, run)
			}
			return ev, err
		}
	}
}

// hearCancels stops the flows of runs in hand whose end is requested, until ctx ends. Requests from
// before the start come too, and find no run in hand.
func (r *Runner) hearCancels(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.bus.Runs(events.Cancelling, "").Follow(ctx, jet.Beginning, func(m jet.Entry[events.RunEvent]) {
			ev, err := m.Value()
			if err != nil {
				return
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if h := r.active[ev.FlowJobID]; h != nil {
				h.stop(halt(ev.Message))
			}
		})
		if err != nil && ctx.Err() == nil {
			r.log.Warn("requests to cancel cannot be heard and are tried again", "error", err.Error())
			_ = wait.Sleep(ctx, time.Second)
		}
	}
}
