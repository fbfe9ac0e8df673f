package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/daemon"
)

const (
	inHand  = 256                // unacked deliveries of one queue in this process
	waiting = 100_000            // unacked deliveries of one queue in all processes, those that wait for a retry included
	forget  = 7 * 24 * time.Hour // a queue that nobody reads for so long begins anew
	grace   = 2 * time.Second    // how long a delivery may go on when the process stops
)

// sender delivers notifications over one channel.
type sender interface {
	// wants reports whether the job asks for the notification on this channel.
	wants(n notification, p *events.Parameters) bool
	// notify delivers the notification. A [final] error is not worth a retry.
	notify(ctx context.Context, n notification, job *events.Job) error
	// forget is called when the notification will not be redelivered.
	forget(n notification)
}

// final is in the chain of an error that a retry would only repeat.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// channel takes notifications off one queue and passes them to a sender.
type channel struct {
	name    events.Channel
	queue   jet.Queue
	hold    int // unacked deliveries in this process
	read    func(*jet.Delivery) (notification, error)
	sender  sender
	retries retries
	foreign bool // it also takes runs that another endpoint performs
	jobless bool // its notifications are about no job
	silent  func(ctx context.Context, jobID string) bool
	bus     *jet.Bus
	log     *slog.Logger
	meter   meter
	waits   atomic.Int64 // notifications in the queue, as the broker counted them last

	perJob semaphores
}

// run delivers until ctx ends, then waits for the deliveries in flight.
func (c *channel) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { c.countWaiting(ctx) })
	for ctx.Err() == nil {
		err := c.bus.Pull(ctx, c.queue, c.hold, func(m *jet.Delivery) {
			wg.Go(func() {
				late, cancel := daemon.Linger(ctx, grace)
				defer cancel()
				c.handle(late, m)
			})
		})
		if err != nil && ctx.Err() == nil {
			c.log.Warn("notifications cannot be read now", "queue", c.queue.Name, "error", err.Error())
			_ = wait.Sleep(ctx, time.Second)
		}
	}
}

// handle delivers one notification, gives it up, or returns it to its queue.
func (c *channel) handle(ctx context.Context, m *jet.Delivery) {
	if m.Deliveries == 1 && c.silent(ctx, m.AboutJob()) {
		_ = m.Ack() // if this is lost the notification is redelivered, and ends here then
		return
	}
	n, err := c.read(m)
	if err != nil {
		c.log.Error("a notification cannot be read", "subject", m.Subject, "error", err.Error())
		_ = m.Drop("unreadable")
		return
	}
	log := c.log.With(n.logged()...)
	n, found, err := c.complete(ctx, n)
	var job *events.Job
	if found && err == nil {
		job, err = c.receiver(ctx, n, m)
	}
	switch {
	case err != nil:
		log.Warn("cannot look up the receiver of a notification", "error", err.Error())
		_ = m.Nak(time.Second)
		return
	case job == nil:
		c.sender.forget(n)
		_ = m.Ack() // if this is lost the notification is redelivered, and ends here then
		return
	}
	if n.age = time.Since(n.at); n.again != nil {
		n.age = time.Since(n.again.At)
	}
	acquired, failing := c.perJob.acquire(n.jobID)
	if !acquired {
		if _, more := c.retries.after(m.Deliveries, n.age); failing && (!more || c.crowded(ctx)) {
			err := errors.New("the receiver fails, and other notifications of this job were tried before this one")
			c.giveUp(ctx, n, m, err, log)
			return
		}
		_ = m.Nak(aside(n.age))
		return
	}
	faultpoint.Hit(faultpoint.NoticeDue)
	err = c.sender.notify(ctx, n, job)
	faultpoint.Hit(faultpoint.NoticeTold)
	c.perJob.release(n.jobID, err != nil && !isFinal(err), asked(err))
	if err != nil {
		c.failed(ctx, n, m, err, log)
		return
	}
	c.meter.sent.Inc()
	c.sender.forget(n)
	c.told(ctx, n, log)
	log.Info("notification delivered", "attempt", m.Deliveries)
	if err := m.Ack(); err != nil {
		log.Warn("a delivered notification could not be acked; it will be delivered again", "error", err.Error())
	}
}

// failed returns a notification to its queue until its retry, or gives it up.
func (c *channel) failed(ctx context.Context, n notification, m *jet.Delivery, err error, log *slog.Logger) {
	if ctx.Err() != nil { // cut off because this process stops
		_ = m.Nak(0)
		return
	}
	c.meter.failed.Inc()
	after, more := c.retries.after(m.Deliveries, n.age)
	after = max(after, asked(err))
	if isFinal(err) || !more || c.crowded(ctx) {
		c.giveUp(ctx, n, m, err, log)
		return
	}
	log.Warn("a notification could not be delivered and will be retried",
		"attempt", m.Deliveries, "next", after.Round(time.Second).String(), "error", detail(err))
	_ = m.Nak(after)
}

func isFinal(err error) bool {
	_, ok := errors.AsType[final](err)
	return ok
}

// receiver returns the job as it is now if it asks for the notification, else nil.
func (c *channel) receiver(ctx context.Context, n notification, m *jet.Delivery) (*events.Job, error) {
	switch {
	case c.jobless:
		return &events.Job{}, nil
	case n.jobID == "":
		return nil, nil
	}
	rev, err := c.bus.Job(ctx, n.jobID)
	if events.CodeOf(err) == events.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	job := &rev.Event.Job
	p, err := events.ParseParameters(job.Parameters)
	if err != nil || !c.sender.wants(n, p) {
		return nil, nil // the dispatcher reports a job that cannot be read
	}
	if n.run != nil && n.again == nil && !c.foreign && m.Deliveries == 1 {
		// Another endpoint that performed the run was given the settings, and notifies by itself.
		if _, ours, err := c.bus.AcceptedRun(ctx, n.run.FlowJobID); err != nil || !ours {
			return nil, err
		}
	}
	return job, nil
}

// giveUp records that a notification is not delivered, then takes it off the queue.
func (c *channel) giveUp(ctx context.Context, n notification, m *jet.Delivery, why error, log *slog.Logger) {
	if err := c.record(ctx, n, why); err != nil {
		log.Warn("cannot record yet that a notification is given up", "error", err.Error())
		_ = m.Nak(5 * time.Second)
		return
	}
	c.meter.givenUp.Inc()
	c.sender.forget(n)
	log.Error("gave up a notification", "attempt", m.Deliveries, "error", detail(why))
	_ = m.Ack()
}

// record stores that a notification is given up, with the run or the state that it is about.
func (c *channel) record(ctx context.Context, n notification, why error) error {
	switch now := time.Now().UTC(); {
	case n.run != nil:
		ev := *n.run
		ev.Phase, ev.At, ev.Channel, ev.Message = events.Undelivered, now, c.name, why.Error()
		if n.again != nil {
			return c.bus.PutUndeliveredAgain(ctx, ev, n.again.At)
		}
		return c.bus.PutUndelivered(ctx, ev)
	case n.state != nil:
		return c.bus.PutUndeliverable(ctx, events.Undeliverable{
			JobID: n.jobID, About: n.state.About, Of: n.seq, Channel: c.name, At: now, Message: why.Error(),
		})
	}
	return nil
}

// crowded reports whether the queue holds nine in ten of the notifications that it may.
func (c *channel) crowded(ctx context.Context) bool {
	out, _, err := c.bus.Unsettled(ctx, c.queue)
	return err == nil && out > c.queue.Pending*9/10
}

// countWaiting keeps up to date, until ctx ends, how many notifications wait.
func (c *channel) countWaiting(ctx context.Context) {
	for ctx.Err() == nil {
		if out, queued, err := c.bus.Unsettled(ctx, c.queue); err == nil {
			c.waits.Store(int64(out + queued))
			c.meter.waiting.Set(float64(out + queued))
		}
		_ = wait.Sleep(ctx, wait.Whole(5*time.Second))
	}
}
