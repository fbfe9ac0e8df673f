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
	"spool.internal/services/runner/record"
)

// How long a run that was not brought to its end waits until it is delivered again.
const (
	soon  = time.Second      // long enough for a stopping runner to unsubscribe first
	later = 15 * time.Second // longer than the heartbeat, so a runner that owns the run keeps it
	room  = 5 * time.Second  // before the disk is checked again
)

// heartbeat is how often a runner that takes no more runs extends the leases of those in hand.
const heartbeat = 3 * time.Second

var (
	errRival  = errors.New("another runner has started this run")
	errOver   = errors.New("the run has ended already")
	errNoRoom = errors.New("a flow that writes there would be stopped")
)

// inHand is a run that was delivered to this process and is not settled yet.
type inHand struct {
	deliveries []*jet.Delivery         // all of them are settled with the run
	stop       context.CancelCauseFunc // ends its flow; the cause is the message of its end
	folders    []os.FileInfo           // that its flow reads and writes, once they are open
	log        *record.Log             // of its attempt, once that has one
}

// take begins the run of one delivery, unless this process has it in hand already: after a broken
// connection the server delivers again what was not acknowledged.
func (r *Runner) take(ctx context.Context, d *jet.Delivery, runs *sync.WaitGroup) {
	run, err := d.Run()
	if err != nil {
		r.log.Error("a run cannot be read", "subject", d.Subject, "error", err.Error())
		_ = d.Drop("unreadable") // when this fails it is delivered again, and dropped again
		r.freeSlot()
		return
	}
	life, stop := context.WithCancelCause(ctx)
	r.mu.Lock()
	held := r.active[run.FlowJobID]
	if held == nil {
		r.active[run.FlowJobID] = &inHand{deliveries: []*jet.Delivery{d}, stop: stop}
	} else {
		held.deliveries = append(held.deliveries, d)
	}
	r.mu.Unlock()
	if held != nil {
		stop(nil)
		r.freeSlot()
		return
	}
	runs.Go(func() {
		defer r.freeSlot()
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
		if there, is := errors.AsType[errElsewhere](err); is {
			err = r.moveTo(ctx, d, run, there.place)
		}
		r.settle(ctx, run, err)
	})
}

// remember keeps the key of a run that has ended for as long as its caller may repeat the call. When
// the queue is full the key is not kept: the end of the run is stored all the same.
func (r *Runner) remember(ctx context.Context, run events.Run) error {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	err := r.bus.KeepRun(ctx, r.queueOf(run), run)
	if jet.IsFull(err) {
		r.logOf(run).Warn("the key of a run could not be kept", "error", err.Error())
		return nil
	}
	return err
}

// settle acknowledges a run that has ended; one that has not, as err says, it returns to the queue
// with a delay.
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
		// When either is lost the run is delivered again, and its last event decides.
		if err == nil {
			_ = d.Ack()
		} else {
			_ = d.Nak(max(wait, 0))
		}
	}
}

// hold extends the leases of the runs in hand by a heartbeat, until ctx ends.
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
				_ = d.Heartbeat() // a lost heartbeat costs at most a second delivery, which take expects
			}
		}
		r.mu.Unlock()
	}
}
