package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

const (
	inHand  = 256                // deliveries of one queue in the hands of this process
	waiting = 100_000            // deliveries of one queue that may be unsettled at all
	forget  = 7 * 24 * time.Hour // a queue that nobody reads for so long begins anew
	grace   = 2 * time.Second    // how long a delivery may go on when the process stops
)

// sender is one way of telling.
type sender interface {
	// wants reports whether the job asks to be told of the notice in this way.
	wants(n notification, p *events.Parameters) bool
	// tell delivers the notice. A [final] error is not worth another attempt.
	notify(ctx context.Context, n notification, job *events.Job) error
	// forget is told that the notice will not come again.
	forget(n notification)
}

// final is in the chain of an error that another attempt would only repeat.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// channel takes notices off one queue and hands them to a sender.
type channel struct {
	name    string // webhook, email
	queue   jet.Queue
	hold    int
	read    func(*jet.Delivery) (notification, error)
	sender  sender
	retries retries
	foreign bool // also told of runs that another endpoint performs
	jobless bool // its notices are about no job
	bus     *jet.Bus
	log     *slog.Logger
	meter   meter

	perJob semaphores
}

// run delivers until ctx ends, then lets what is under way end.
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
			c.log.Warn("notices cannot be read now", "queue", c.queue.Name, "error", err.Error())
			daemon.Pause(ctx, time.Second)
		}
	}
}

// handle brings one notice to its end, or hands it back to come again.
func (c *channel) handle(ctx context.Context, m *jet.Delivery) {
	n, err := c.read(m)
	if err != nil {
		c.log.Error("a notice cannot be read", "subject", m.Subject, "error", err.Error())
		_ = m.Drop("unreadable")
		return
	}
	log := c.log.With(n.logged()...)
	job, err := c.receiver(ctx, n, m)
	switch {
	case err != nil:
		log.Warn("cannot look up who is to be told", "error", err.Error())
		_ = m.Nak(time.Second)
		return
	case job == nil:
		c.sender.forget(n)
		_ = m.Ack() // when this is lost the notice comes again, and ends here again
		return
	}
	age := time.Since(n.at)
	entered, failing := c.perJob.acquire(n.jobID)
	if !entered {
		if _, again := c.retries.after(m.Deliveries, age); failing && (!again || c.crowded(ctx)) {
			c.giveUp(ctx, n, m, errors.New("the receiver fails, and other notices of this job were tried before this one"), log)
			return
		}
		_ = m.Nak(aside(age))
		return
	}
	faultpoint.Hit(faultpoint.NoticeDue)
	err = c.sender.notify(ctx, n, job)
	faultpoint.Hit(faultpoint.NoticeTold)
	permanent := isFinal(err)
	c.perJob.release(n.jobID, err != nil && !permanent, asked(err))
	if err == nil {
		c.meter.sent.Inc()
		c.sender.forget(n)
		log.Info("told", "attempt", m.Deliveries)
		if err := m.Ack(); err != nil {
			log.Warn("a notice that was told could not be acked; it will be told again", "error", err.Error())
		}
		return
	}
	if ctx.Err() != nil { // cut off by the end of this process
		_ = m.Nak(0)
		return
	}
	c.meter.failed.Inc()
	wait, again := c.retries.after(m.Deliveries, age)
	wait = max(wait, asked(err))
	if permanent || !again || c.crowded(ctx) {
		c.giveUp(ctx, n, m, err, log)
		return
	}
	log.Warn("could not be told, and will be tried again", "attempt", m.Deliveries, "next", wait.Round(time.Second).String(), "error", detail(err))
	_ = m.Nak(wait)
}

func isFinal(err error) bool {
	_, ok := errors.AsType[final](err)
	return ok
}

// receiver gives the job as it is now if it wants to be told, else nil.
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
		return nil, nil // the dispatcher says of a job that it cannot be read
	}
	if n.run != nil && !c.foreign && m.Deliveries == 1 {
		// Another endpoint that performed the run has been given the settings, and tells of it itself.
		if _, ours, err := c.bus.AcceptedRun(ctx, n.run.FlowJobID); err != nil || !ours {
			return nil, err
		}
	}
	return job, nil
}

// giveUp records that a notice is not told, then takes it off the queue.
func (c *channel) giveUp(ctx context.Context, n notification, m *jet.Delivery, why error, log *slog.Logger) {
	if err := c.record(ctx, n, why); err != nil {
		log.Warn("cannot record yet that a notice is given up", "error", err.Error())
		_ = m.Nak(5 * time.Second)
		return
	}
	c.meter.givenUp.Inc()
	c.sender.forget(n)
	log.Error("gave up telling", "attempt", m.Deliveries, "error", detail(why))
	_ = m.Ack()
}

// record stores that a notice is given up, where it is looked for.
func (c *channel) record(ctx context.Context, n notification, why error) error {
	switch now := time.Now().UTC(); {
	case n.run != nil:
		ev := *n.run
		ev.Phase, ev.At, ev.Channel, ev.Message = events.Undelivered, now, c.name, why.Error()
		return c.bus.PutUndelivered(ctx, ev)
	case n.state != nil:
		return c.bus.PutUndeliverable(ctx, events.Undeliverable{
			JobID: n.jobID, About: n.state.About, Of: n.seq, Channel: c.name, At: now, Message: why.Error(),
		})
	}
	return nil
}

// crowded reports whether nine in ten of the places for notices that wait are taken.
func (c *channel) crowded(ctx context.Context) bool {
	out, _, err := c.bus.Unsettled(ctx, c.queue)
	return err == nil && out > c.queue.Pending*9/10
}

// countWaiting shows how many notices wait.
func (c *channel) countWaiting(ctx context.Context) {
	for ctx.Err() == nil {
		if out, queued, err := c.bus.Unsettled(ctx, c.queue); err == nil {
			c.meter.waiting.Set(float64(out + queued))
		}
		daemon.Pause(ctx, 5*time.Second)
	}
}
