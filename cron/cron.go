package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/events/metrics"
)

// Config is what cron needs.
type Config struct {
	Bus         *jet.Bus              // required
	Location    *time.Location        // zone of the jobs that name none; nil = UTC
	OtherClocks bool                  // the store is on other machines: this one's clock is compared with theirs
	Machine     string                // this one's name among those that say their clock: its place, or else its host
	CatchUpRate int                   // triggers a second at which catch_up "all" works off its backlogs; 0 = 100
	Metrics     prometheus.Registerer // where the figures are shown; nil = nowhere
	Log         *slog.Logger          // required
}

// catchUpRate is far below what any store and dispatcher take, so that a backlog
// does not get in the way of what is due now.
const catchUpRate = 100

// CheckSettings reports what is wrong with what a person has set.
func (c Config) CheckSettings() error {
	if c.CatchUpRate < 0 {
		return events.Faultf(events.Invalid, "catch-up-rate", "%d is below zero: give triggers a second, or 0 for %d", c.CatchUpRate, catchUpRate)
	}
	return nil
}

// Validate reports everything that is wrong with the configuration.
func (c Config) Validate() error {
	var faults []error
	if c.Bus == nil {
		faults = append(faults, events.Faultf(events.Invalid, "bus", "is required: a connection to NATS"))
	}
	if err := c.CheckSettings(); err != nil {
		faults = append(faults, err)
	}
	if c.Log == nil {
		faults = append(faults, events.Faultf(events.Invalid, "log", "is required"))
	}
	return errors.Join(faults...)
}

// Cron is one replica of the service.
type Cron struct {
	bus     *jet.Bus
	log     *slog.Logger
	feed    *jet.JobFeed
	loop    *loop
	drainer *drainer
	boots   *boots
	watch   *watchdog
	skew    *skew // nil: the store has the same clock
}

// New wires the service and starts nothing.
func New(cfg Config) (*Cron, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of cron: %w", err)
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	if cfg.CatchUpRate == 0 {
		cfg.CatchUpRate = catchUpRate
	}
	index := newIndex(cfg.Location, cfg.Log)
	feed := jet.NewJobFeed(cfg.Bus, index.apply)
	jobs := catalog{feed, cfg.Bus}
	now := faultpoint.Now
	var clock *skew
	if cfg.OtherClocks {
		clock = &skew{store: cfg.Bus, machine: cfg.Machine, now: faultpoint.Now, log: cfg.Log}
		now = clock.right
	}
	watch := &watchdog{now: now, log: cfg.Log}
	meter := newMeter(watch, clock)
	if err := metrics.Register(cfg.Metrics, "cron", meter.all...); err != nil {
		return nil, err
	}
	loop := newLoop(&engine{
		store: cfg.Bus, jobs: jobs, index: index, watch: watch, meter: meter,
		log: cfg.Log, now: now, skew: clock, batch: jet.MaxBatch - 1,
	})
	boots := &boots{
		ledger: cfg.Bus, index: index, boot: thisBoot, ready: loop.health.check, now: now, log: cfg.Log,
	}
	return &Cron{bus: cfg.Bus, log: cfg.Log, feed: feed, loop: loop, watch: watch, skew: clock, boots: boots, drainer: &drainer{
		store: cfg.Bus, jobs: jobs, index: index, meter: meter,
		log: cfg.Log, now: now, batch: jet.MaxBatch, rate: cfg.CatchUpRate, wake: loop.passed,
	}}, nil
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
	wg.Go(func() { c.drainer.run(ctx) })
	wg.Go(func() { c.boots.run(ctx) })
	wg.Go(func() { c.watch.run(ctx) })
	wg.Go(func() { c.skew.run(ctx) })
	err := c.loop.run(ctx)
	cancel()
	wg.Wait()
	return errors.Join(err, feedErr)
}

// Check reports why slots cannot be committed now, or nil.
func (c *Cron) Check() error {
	return errors.Join(c.bus.Check(), c.loop.health.check(), c.watch.check(), c.skew.check())
}

// Answered is the minute up to which nothing is owed, as this cron knows it; 0 = none yet. It is newer than what is
// committed: minutes without a slot are committed together.
func (c *Cron) Answered() events.Minute { return events.Minute(c.watch.minute.Load()) }

// catalog is the job feed and the history behind it.
type catalog struct {
	*jet.JobFeed
	bus *jet.Bus
}

func (c catalog) History(ctx context.Context, jobID string) ([]events.JobChange, error) {
	return c.bus.History(ctx, jobID)
}
