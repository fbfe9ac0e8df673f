package dispatcher

import (
	"context"
	"maps"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// A trigger is cancelled before its call by the first event of the run that it would start (see
// [jet.Bus.PutCancelBefore]). What waits ends at once, without a call; what is being called ends with its
// answer, and the built-in runner does not start the run. All are heard before the first trigger is pulled.

// cancels are the triggers that somebody has ended before their calls. It is safe for concurrent use.
type cancels struct {
	mu   sync.Mutex
	byID map[string]*cancelled
	more chan struct{} // closed when there is another
	wake wait.Wake     // for who ends those that wait
}

type cancelled struct {
	jobID, message string
	heard          time.Time
	settled        bool // it was in no queue when that was looked up
}

func newCancels() *cancels {
	return &cancels{byID: map[string]*cancelled{}, more: make(chan struct{}), wake: wait.NewWake()}
}

// hear takes one in.
func (c *cancels) hear(m jet.Entry[events.RunEvent]) {
	ev, err := m.Value()
	if err != nil || ev.Attempt > 0 || ev.TriggerID == "" { // else it is about a run that has begun
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[ev.TriggerID] = &cancelled{jobID: ev.JobID, message: ev.Message, heard: time.Now()}
	close(c.more)
	c.more = make(chan struct{})
	c.wake.Set()
}

// of returns who has cancelled a trigger, in the words of its result; empty when nobody has.
func (c *cancels) of(triggerID string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.byID[triggerID]; one != nil {
		return one.message
	}
	return ""
}

// next is closed when another is heard.
func (c *cancels) next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.more
}

// open lists those whose triggers may still wait, and forgets those that nobody asks about any more.
func (c *cancels) open() map[string]cancelled {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.byID, func(_ string, one *cancelled) bool { return one.settled && time.Since(one.heard) > settledFor })
	open := map[string]cancelled{}
	for id, one := range c.byID {
		if !one.settled {
			open[id] = *one
		}
	}
	return open
}

func (c *cancels) settle(triggerID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.byID[triggerID]; one != nil {
		one.settled = true
	}
}

const (
	settledFor   = 10 * time.Minute // a trigger that is on its way between two queues is in one of them by then
	cancelsEvery = 2 * time.Second  // a trigger that was in hand is looked for again
)

// readCancels hears all that were cancelled before, and returns the place behind them.
func (d *Dispatcher) readCancels(ctx context.Context) (seq uint64, err error) {
	err = d.bus.Runs(events.Cancelling, "").Sure().Since(ctx, time.Time{}, func(m jet.Entry[events.RunEvent]) bool {
		d.cancels.hear(m)
		seq = m.Sequence
		return true
	})
	return seq, err
}

// followCancels hears of others until ctx ends.
func (d *Dispatcher) followCancels(ctx context.Context, seq uint64) {
	for ctx.Err() == nil {
		err := d.bus.Runs(events.Cancelling, "").FollowAfter(ctx, seq, func(m jet.Entry[events.RunEvent]) {
			seq = m.Sequence
			d.cancels.hear(m)
		})
		if err != nil && ctx.Err() == nil {
			d.log.Warn("what is cancelled cannot be heard and is tried again", "error", err.Error())
			_ = wait.Sleep(ctx, time.Second)
		}
	}
}

// endCancelled ends the triggers that are cancelled while they wait, until ctx ends.
func (d *Dispatcher) endCancelled(ctx context.Context) {
	for ctx.Err() == nil {
		open := d.cancels.open()
		for id, one := range open {
			if err := d.endWaiting(ctx, id, one); err != nil && ctx.Err() == nil {
				d.log.Warn("a cancelled trigger cannot be ended now and is tried again", "job_id", one.jobID, "trigger_id", id, "error", err.Error())
			}
		}
		if len(open) > 0 {
			_ = wait.Sleep(ctx, min(cancelsEvery, time.Duration(len(open))*100*time.Millisecond))
			continue
		}
		select {
		case <-d.cancels.wake:
		case <-ctx.Done():
		}
	}
}

// endWaiting ends a cancelled trigger that waits in a queue. One in hand is ended by who works on it.
func (d *Dispatcher) endWaiting(ctx context.Context, id string, one cancelled) error {
	if !d.flight.enter(id) {
		return nil
	}
	defer d.flight.leave(id)
	q, found, err := d.bus.QueuedTrigger(ctx, one.jobID, id, events.TriggeredAfter(id))
	if err != nil {
		return err
	}
	if !found {
		d.cancels.settle(id)
		return nil
	}
	stored, err := d.bus.HasResult(ctx, q.JobID, id, q.Stored)
	if err == nil && !stored {
		err = d.storeCancelled(ctx, q, one)
	}
	if err == nil {
		err = d.bus.DropQueued(ctx, q)
	}
	if err != nil {
		return err
	}
	d.waiting.done(id, q.JobID, true)
	d.log.Info("cancelled before its call", "job_id", q.JobID, "trigger_id", id, "reason", one.message)
	return nil
}

// storeCancelled stores the result of a trigger that is not called any more. Of several dispatchers that do so one
// is heard: it is the same message.
func (d *Dispatcher) storeCancelled(ctx context.Context, q jet.QueuedTrigger, one cancelled) error {
	j, ok := d.jobs.get(q.JobID)
	if !ok {
		return nil // its job is deleted, and its results go with it
	}
	w := &work{Trigger: q.Trigger, job: j}
	if w.params, w.fault = d.jobs.parameters(j); w.fault != nil {
		w.params = &events.Parameters{}
	}
	r := failed(w.resultAt(q.Stored), one.message)
	r.Attempts = 0
	r.Judge(false, d.tracks())
	return d.results.Put(ctx, jet.EncodeResult(r))
}
