package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

// observer finds out when the state of a job changes: from what happens, by durable
// consumers, and every minute from what did not happen.
type observer struct {
	bus   *jet.Bus
	ends  bool // run events say how runs end; else a call is all that is known
	zone  *time.Location
	jobs  *jobIndex
	feed  *jet.JobFeed
	log   *slog.Logger
	since time.Time // when it began
	daily *daily    // nil: nobody wants a balance

	answered map[string]int64 // by job: the newest slot, or deadline, that is settled; the duty's alone
}

func newObserver(cfg Config) *observer {
	o := &observer{
		bus: cfg.Bus, ends: !cfg.Foreign || cfg.Tracked, zone: cfg.Zone, jobs: newJobIndex(),
		log: cfg.Log, since: time.Now(), answered: map[string]int64{},
	}
	if o.zone == nil {
		o.zone = time.UTC
	}
	o.feed = jet.NewJobFeed(cfg.Bus, o.jobs.apply)
	return o
}

// source is one consumer and what is made of its messages. Messages are taken one
// after the other, so that states change in the order in which things happened.
type source struct {
	queue jet.Queue
	take  func(ctx context.Context, m *jet.Delivery) (again time.Duration, err error)
}

func (o *observer) sources() []source {
	queue := func(stream, name, filter string) jet.Queue {
		return jet.Queue{Stream: stream, Name: name, Filter: filter, Pending: waiting, Idle: forget, FromNow: true}
	}
	return []source{
		{queue(events.StreamRunEvents, "notify-ended", events.RunsOf(events.Ended, "")), o.ended},
		{queue(events.StreamRunEvents, "notify-started", events.RunsOf(events.Started, "")), o.started},
		{queue(events.StreamResults, "notify-results", events.AllResults), o.called},
		{queue(events.StreamSlots, "notify-slots", events.AllSlots), o.judged},
	}
}

func (o *observer) subscribe(ctx context.Context) error {
	for _, s := range o.sources() {
		if err := o.bus.Open(ctx, s.queue); err != nil {
			return err
		}
	}
	return nil
}

func (o *observer) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		if err := o.feed.Run(ctx); err != nil && ctx.Err() == nil {
			o.log.Error("the jobs cannot be followed", "error", err.Error())
		}
	})
	for _, s := range o.sources() {
		wg.Go(func() { o.drain(ctx, s) })
	}
	wg.Go(func() { o.watch(ctx) })
}

// drain takes the messages of a source until ctx ends.
func (o *observer) drain(ctx context.Context, s source) {
	for ctx.Err() == nil {
		err := o.bus.Pull(ctx, s.queue, inHand, func(m *jet.Delivery) { o.take(ctx, s, m) })
		if err != nil && ctx.Err() == nil {
			o.log.Warn("what happens to jobs cannot be read now", "queue", s.queue.Name, "error", err.Error())
			daemon.Pause(ctx, time.Second)
		}
	}
}

// take makes what is to be made of one message. What fails is tried again in place:
// it fails because the store is away, and then the next one would fail as well.
func (o *observer) take(ctx context.Context, s source, m *jet.Delivery) {
	for {
		again, err := s.take(ctx, m)
		var fault unreadable
		switch {
		case errors.As(err, &fault):
			o.log.Error("an event cannot be read", "subject", m.Subject, "error", err.Error())
			_ = m.Drop("unreadable")
			return
		case err == nil && again > 0:
			_ = m.Nak(again)
			return
		case err == nil:
			_ = m.Ack() // when this is lost the event comes again, and changes nothing
			return
		case ctx.Err() != nil:
			_ = m.Nak(0)
			return
		}
		o.log.Warn("what an event means for its job cannot be stored now", "subject", m.Subject, "error", err.Error())
		daemon.Pause(ctx, time.Second)
	}
}

// unreadable is an event of another version.
type unreadable struct{ error }

// job gives the job if it wants to be told of its states. Where it matters, sure asks
// the leader when the roster, which may be a moment behind, says that it does not.
func (o *observer) job(ctx context.Context, id string, sure bool) (*watched, error) {
	if id == "" {
		return nil, nil
	}
	w, known := o.jobs.find(id)
	if w != nil || known && !sure {
		return w, nil
	}
	rev, err := o.bus.Job(ctx, id)
	if events.CodeOf(err) == events.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return read(rev.Event.Job), nil
}
