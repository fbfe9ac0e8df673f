package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// observer finds out when the state of a job changes: from what happens, read by durable consumers, and every minute
// from what did not happen.
type observer struct {
	bus   *jet.Bus
	ends  bool // run events report how runs end; else the result of a call is all that is known
	jobs  *jobIndex
	feed  *jet.JobFeed
	log   *slog.Logger
	since time.Time // when it began
	daily *daily    // nil: nobody gets a balance
	looks looks

	answered map[string]int64 // by job: the newest slot, or deadline, that is decided; used by check alone
}

func newObserver(cfg Config, daily *daily) *observer {
	o := &observer{
		bus: cfg.Bus, ends: cfg.endsKnown(), jobs: newJobIndex(cfg.Zone), log: cfg.Log, since: time.Now(), daily: daily,
		answered: map[string]int64{},
	}
	o.feed = jet.NewJobFeed(cfg.Bus, o.jobs.apply)
	return o
}

// source is one consumer and what handles its messages, one after the other, so that states change in the order of the
// events.
type source struct {
	queue jet.Queue
	take  func(ctx context.Context, m *jet.Delivery) (after time.Duration, err error) // after > 0: redeliver it then
}

// sources are the consumers of the observer.
func (o *observer) sources() []source {
	all := []source{
		{o.bus.Runs(events.Ended, "").Queue("notify-ended", waiting), o.ended},
		{o.bus.Runs(events.Started, "").Queue("notify-started", waiting), o.started},
		{o.bus.Results("").Queue("notify-results", waiting), o.called},
		{o.bus.Verdicts("").Queue("notify-slots", waiting), o.judged},
	}
	for i := range all {
		all[i].queue.Idle, all[i].queue.FromNow = forget, true
	}
	return all
}

// subscribe makes the consumers.
func (o *observer) subscribe(ctx context.Context) error {
	for _, s := range o.sources() {
		if err := o.bus.Open(ctx, s.queue); err != nil {
			return err
		}
	}
	return nil
}

// run observes until ctx ends.
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

// drain handles the messages of a source until ctx ends.
func (o *observer) drain(ctx context.Context, s source) {
	for ctx.Err() == nil {
		err := o.bus.Pull(ctx, s.queue, inHand, func(m *jet.Delivery) { o.take(ctx, s, m) })
		if err != nil && ctx.Err() == nil {
			o.log.Warn("events of jobs cannot be read now", "queue", s.queue.Name, "error", err.Error())
			_ = wait.Sleep(ctx, time.Second)
		}
	}
}

// take handles one message. A failure is retried in place: the store is away, and the next message would fail as well.
func (o *observer) take(ctx context.Context, s source, m *jet.Delivery) {
	for {
		after, err := s.take(ctx, m)
		var fault unreadable
		switch {
		case errors.As(err, &fault):
			o.log.Error("an event cannot be read", "subject", m.Subject, "error", err.Error())
			_ = m.Drop("unreadable")
			return
		case err == nil && after > 0:
			_ = m.Nak(after)
			return
		case err == nil:
			_ = m.Ack() // if this is lost the event is redelivered, and changes nothing
			return
		case ctx.Err() != nil:
			_ = m.Nak(0)
			return
		}
		o.log.Warn("the state that follows from an event cannot be stored now; this is retried", "subject", m.Subject, "error", err.Error())
		_ = wait.Sleep(ctx, time.Second)
	}
}

// unreadable is an event of another version.
type unreadable struct{ error }

// job returns the job if it asks for notifications, else nil. The index may be a moment behind; with sure, a job that
// does not ask by the index is looked up in the store too.
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
	return read(rev.Event.Job, o.jobs.zone), nil
}

// silent reports whether nobody is to be told of anything about a job, as the job is now: what happens is nothing to
// anybody then, and the job itself need not be read.
func (o *observer) silent(ctx context.Context, id string) bool {
	return o.jobs.silent(id) && o.looks.after(ctx, o.feed.Barrier) == nil && o.jobs.silent(id)
}
