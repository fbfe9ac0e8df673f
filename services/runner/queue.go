package runner

import (
	"context"
	"errors"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// How long a run that could not be brought to its end waits before it is
// delivered again. The shorter wait lets a runner that stops be gone before the
// server looks for somebody to deliver to; the longer one leaves a rival, who
// gives a sign of life every few seconds, in possession.
const (
	soon  = time.Second
	later = 15 * time.Second
)

// errRival says that another runner works on the run.
var errRival = errors.New("another runner has started this run")

// errUnproven says that a former attempt may still be alive.
var errUnproven = errors.New("a former attempt of this run cannot be proven dead")

// take begins the run of one delivery, unless this process has it in hand
// already: a broken connection makes the server deliver again what is held.
func (r *Runner) take(ctx context.Context, d *jet.Delivery, runs *sync.WaitGroup) {
	run, err := d.Run()
	if err != nil {
		r.log.Error("a run cannot be read", "subject", d.Subject, "error", err.Error())
		_ = d.Drop("unreadable") // when this fails it comes again, and ends here again
		return
	}
	r.mu.Lock()
	held := r.active[run.FlowJobID]
	r.active[run.FlowJobID] = append(held, d)
	r.mu.Unlock()
	if held != nil {
		return
	}
	runs.Go(func() { r.settle(ctx, run, r.perform(ctx, run)) })
}

// settle takes a run off the queue, or hands it back when err says that it has
// not come to its end.
func (r *Runner) settle(ctx context.Context, run events.Run, err error) {
	r.mu.Lock()
	deliveries := r.active[run.FlowJobID]
	delete(r.active, run.FlowJobID)
	r.mu.Unlock()
	log := r.logOf(run)
	wait := soon
	switch {
	case err == nil:
	case ctx.Err() != nil:
		log.Info("a run was interrupted and will start again", "cause", err.Error())
	case errors.Is(err, errRival), errors.Is(err, errUnproven):
		wait = later
		log.Warn("a run has to wait", "wait", wait.String(), "error", err.Error())
	default:
		log.Warn("a run could not be brought to its end and is tried again", "wait", wait.String(), "error", err.Error())
	}
	for _, d := range deliveries {
		// When either is lost the run comes again, and ends at its event.
		if err == nil {
			_ = d.Ack()
		} else {
			_ = d.Nak(wait)
		}
	}
}
