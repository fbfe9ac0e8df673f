package runner

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// maxBody is how large the body of a call may be, in bytes.
const maxBody = 640 << 10

// runBinary answers POST /api/v1/flow/run_binary_async.
func (r *Runner) runBinary(w http.ResponseWriter, req *http.Request) {
	run, fresh, err := r.accept(w, req)
	if err != nil {
		refuse(w, r.log.With("job_id", req.Header.Get(events.HeaderJobID), "trigger_id", req.Header.Get(events.HeaderKey)), err)
		return
	}
	wire.Write(w, http.StatusOK, events.RunAnswer{
		Status: events.OK, Data: &events.RunData{JobID: run.FlowJobID, OutputFolder: run.OutputFolder},
	})
	if !fresh {
		return
	}
	// The run is queued, and the caller need not wait for what follows.
	_ = http.NewResponseController(w).Flush()
	log := r.logOf(run)
	log.Info("run accepted", "owner", run.Owner, "binary_path", run.BinaryPath, "input_dir", run.InputDir)
	_, _, err = r.announce(context.WithoutCancel(req.Context()), run)
	if err != nil && !jet.IsConflict(err) {
		log.Warn("an accepted run could not be announced yet; who takes it off the queue will", "error", err.Error())
	}
}

// accept queues the run that a call asks for, or finds the one that the same
// call was answered with before; fresh tells which.
func (r *Runner) accept(w http.ResponseWriter, req *http.Request) (run events.Run, fresh bool, err error) {
	ctx := req.Context()
	c, err := r.authenticate(req)
	if err == nil {
		err = c.mayRun()
	}
	if err == nil {
		err = r.held()
	}
	if err != nil {
		return events.Run{}, false, err
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	body, err := wire.Body(req)
	if err != nil {
		return events.Run{}, false, err
	}
	key := req.Header.Get(events.HeaderKey)
	flowJobID := uuid.NewString()
	if key != "" {
		flowJobID = events.FlowJobID(c.Owner, key)
	}
	o, err := readOrder(body)
	if err == nil {
		if err := c.may(o); err != nil {
			return events.Run{}, false, err // before anything is looked at
		}
		err = r.lookAt(ctx, c, o, req.Header.Get(events.HeaderFile))
	}
	if err != nil {
		// What is wrong now may have been right when the call came first.
		if first, found, lost := r.bus.AcceptedRun(ctx, flowJobID); found || lost != nil {
			return first, false, ofStore(lost)
		}
		return events.Run{}, false, err
	}
	if err := r.admit(ctx, c, flowJobID); err != nil {
		return events.Run{}, false, err
	}
	run = o.run(c, flowJobID, key, req.Header.Get(events.HeaderFile), time.Now())
	run, fresh, err = r.bus.AcceptRun(ctx, r.queueOf(run), run)
	if err != nil && !jet.IsUnknown(err) {
		r.forgetDirect(c.Owner, flowJobID)
	}
	faultpoint.Hit(faultpoint.RunAccepted)
	return run, fresh, ofStore(err)
}

// lookAt checks an order against the files of this machine, unless they lie on another: there it is
// checked when its turn comes.
func (r *Runner) lookAt(ctx context.Context, c caller, o order, look string) error {
	if c.place != "" && c.place != r.cfg.Place {
		return nil
	}
	if c.jobID != "" && o.extras != nil {
		if err := r.restage(ctx, c.jobID, o.input, o.extras.Cause.File); err != nil {
			return err
		}
	}
	if err := r.inspect(o); err != nil {
		return err
	}
	return r.asTaken(o.input, look)
}
