package runner

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
	"spool.internal/services/runner/place"
	"spool.internal/services/runner/reaper"
)

// How long a run that could not be brought to its end waits before it is
// delivered again. The shorter wait lets a runner that stops be gone before the
// server looks for somebody to deliver to; the longer one leaves a rival, who
// gives a sign of life every few seconds, in possession.
const (
	soon  = time.Second
	later = 15 * time.Second
	room  = 5 * time.Second // before it is looked again whether the disk has room
)

// heartbeat is how often the holders of runs give a sign of life at a stop.
const heartbeat = 3 * time.Second

var (
	errRival  = errors.New("another runner has started this run")
	errOver   = errors.New("the run has ended already")
	errNoRoom = errors.New("a flow that writes there would be stopped")
)

// hand is a run in the hands of this process.
type hand struct {
	deliveries []*jet.Delivery
	stop       context.CancelCauseFunc // ends its flow; the cause is what the end will say
	folders    []os.FileInfo           // that its flow reads and writes, once it has any
}

// take begins the run of one delivery, unless this process has it in hand
// already: a broken connection makes the server deliver again what is held.
func (r *Runner) take(ctx context.Context, d *jet.Delivery, runs *sync.WaitGroup) {
	run, err := d.Run()
	if err != nil {
		r.log.Error("a run cannot be read", "subject", d.Subject, "error", err.Error())
		_ = d.Drop("unreadable") // when this fails it comes again, and ends here again
		return
	}
	life, stop := context.WithCancelCause(ctx)
	r.mu.Lock()
	held := r.active[run.FlowJobID]
	if held == nil {
		r.active[run.FlowJobID] = &hand{deliveries: []*jet.Delivery{d}, stop: stop}
	} else {
		held.deliveries = append(held.deliveries, d)
	}
	r.mu.Unlock()
	if held != nil {
		stop(nil)
		return
	}
	runs.Go(func() {
		defer stop(nil)
		err := r.perform(ctx, life, run)
		if errors.Is(err, errOver) {
			err = nil
		}
		switch {
		case err == nil:
			faultpoint.Hit(faultpoint.RunEnded)
			err = r.remember(ctx, run)
			faultpoint.Hit(faultpoint.RunKept)
		case errors.Is(err, errPaused):
			err = r.pause(ctx, run)
		}
		r.settle(ctx, run, err)
	})
}

// remember keeps the key of a run that has ended for as long as its caller may
// repeat the call. A full queue lets the run go without: its end is stored.
func (r *Runner) remember(ctx context.Context, run events.Run) error {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	err := r.bus.KeepRun(ctx, r.cfg.Pool, run)
	if jet.IsFull(err) {
		r.logOf(run).Warn("the key of a run could not be kept", "error", err.Error())
		return nil
	}
	return err
}

// settle takes a run off the queue, or hands it back when err says that it has
// not come to its end.
func (r *Runner) settle(ctx context.Context, run events.Run, err error) {
	r.mu.Lock()
	deliveries := r.active[run.FlowJobID].deliveries
	delete(r.active, run.FlowJobID)
	r.mu.Unlock()
	log := r.logOf(run)
	wait := soon
	retry, retried := errors.AsType[notYet](err)
	switch {
	case err == nil:
		r.forgetDirect(run.Owner, run.FlowJobID)
	case retried:
		wait = time.Until(retry.next)
	case ctx.Err() != nil:
		log.Info("a run was interrupted and will start again", "cause", err.Error())
	case errors.Is(err, errNoRoom):
		wait = room
		log.Warn("a run has to wait", "wait", wait.String(), "error", err.Error())
	case errors.Is(err, errRival), errors.Is(err, reaper.ErrUnproven), errors.Is(err, place.ErrUnreached):
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
			_ = d.Nak(max(wait, 0))
		}
	}
}

// hold gives signs of life for the runs in hand until ctx ends.
func (r *Runner) hold(ctx context.Context) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		for _, h := range r.active {
			for _, d := range h.deliveries {
				_ = d.Hold() // a lost one costs at most a second delivery, which is expected
			}
		}
		r.mu.Unlock()
	}
}
