package cron

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Config is what cron needs.
type Config struct {
	Bus      *jet.Bus       // required
	Location *time.Location // zone of the jobs that name none; nil = UTC
	Log      *slog.Logger   // required
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var faults []error
	if c.Bus == nil {
		faults = append(faults, events.Faultf(events.Invalid, "bus", "is required: a connection to NATS"))
	}
	if c.Log == nil {
		faults = append(faults, events.Faultf(events.Invalid, "log", "is required"))
	}
	return errors.Join(faults...)
}

// Cron is one replica of the service.
type Cron struct {
	bus  *jet.Bus
	log  *slog.Logger
	feed *jet.JobFeed
	loop *loop
}

// New wires the service and starts nothing.
func New(cfg Config) (*Cron, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of cron: %w", err)
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	jobs := newTable(cfg.Location, cfg.Log)
	feed := jet.NewJobFeed(cfg.Bus, jobs.apply)
	return &Cron{bus: cfg.Bus, log: cfg.Log, feed: feed, loop: newLoop(&engine{
		store: cfg.Bus, jobs: catalog{feed, cfg.Bus}, table: jobs,
		log: cfg.Log, now: time.Now, batch: jet.MaxBatch - 1,
	})}, nil
}

// Run serves until ctx ends and everything that it started has ended. It may be called once.
func (c *Cron) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var feedErr error
	wg.Go(func() {
		defer cancel() // without job events nothing below may go on
		feedErr = c.feed.Run(ctx)
	})
	wg.Go(func() { c.copyVerdicts(ctx) })
	wg.Go(func() { c.trimClock(ctx) })
	err := c.loop.run(ctx)
	cancel()
	wg.Wait()
	return errors.Join(err, feedErr)
}

// Check reports why slots cannot be committed now, or nil.
func (c *Cron) Check() error { return errors.Join(c.bus.Check(), c.loop.health.check()) }

// catalog is the job feed and the history behind it.
type catalog struct {
	*jet.JobFeed
	bus *jet.Bus
}

func (c catalog) History(ctx context.Context, jobID string) ([]change, error) {
	var all []change
	err := c.bus.Since(ctx, events.StreamJobs, events.JobSubject(jobID), time.Time{}, func(m jet.Stored) bool {
		r := change{jet.JobRevision{Seq: m.Sequence}, m.Time}
		if json.Unmarshal(m.Data, &r.Event) == nil { // the feed has said so of those that are none
			all = append(all, r)
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("history of job %s: %w", jobID, err)
	}
	return all, nil
}
