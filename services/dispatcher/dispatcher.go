package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/metrics"
	"spool.internal/events/scrub"
	"spool.internal/events/seal"
	"spool.internal/services/daemon"
)

// Dispatcher makes the calls.
type Dispatcher struct {
	cfg     Config
	bus     *jet.Bus
	log     *slog.Logger
	feed    *jet.JobFeed
	jobs    *jobCache
	strict  *http.Client // verifies certificates
	lax     *http.Client // does not, for jobs that say so
	workers chan struct{}
	calls   sync.WaitGroup // what was taken off a queue and is not settled
	breaker *breaker
	flight  flight
	prior   priorEnds
	waiting *waiting
	running *running
	results *jet.Group
	ends    map[string]*jet.Ends // by the stream of the queue
	meter   *meter
	paused  atomic.Bool // triggers may wait until their jobs are enabled
	tracker *tracker    // nil when the ends of runs are not asked for
}

// New wires a dispatcher; it does nothing before Run.
func New(cfg Config) (*Dispatcher, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.RunSecrets == nil && cfg.Secret != "" {
		var err error
		if cfg.RunSecrets, err = seal.ForRunsOf(cfg.Secret); err != nil {
			return nil, err
		}
	}
	d := &Dispatcher{
		cfg: cfg, bus: cfg.Bus, log: cfg.Log,
		strict: newClient(cfg, true), lax: newClient(cfg, false),
		workers: make(chan struct{}, cfg.Workers),
		breaker: newBreaker(cfg.ProbeEvery),
		flight:  flight{ids: map[string]bool{}},
		waiting: newWaiting(),
		running: newRunning(cfg.Running),
		results: cfg.Bus.NewGroup(events.StreamResults),
		ends: map[string]*jet.Ends{
			events.StreamFiles: cfg.Bus.NewEnds(events.StreamFiles), events.StreamTriggers: cfg.Bus.NewEnds(events.StreamTriggers),
		},
	}
	d.prior = priorEnds{bus: cfg.Bus, ends: d.ends, jobs: map[string]jobResults{}}
	d.meter = newMeter(d)
	if err := metrics.Register(cfg.Metrics, "the dispatcher", d.meter.all...); err != nil {
		return nil, err
	}
	if cfg.TrackRuns && cfg.Secret == "" {
		address, err := statusURL(cfg.RunBinaryURL)
		if err != nil {
			return nil, err
		}
		d.tracker = &tracker{d: d, url: address, open: map[string]*tracked{}}
	}
	d.jobs = newJobCache(cfg.SealKey, cfg.Secret != "", append(scrub.InURL(cfg.RunBinaryURL), cfg.Secret), cfg.Log)
	d.feed = jet.NewJobFeed(cfg.Bus, d.jobs.apply)
	return d, nil
}

// Check reports why triggers are not being worked on, or nil.
func (d *Dispatcher) Check() error { return d.bus.Check() }

// maxWaiting is how many deliveries of one queue may be unsettled: those that
// wait for their next call as well, so that they do not stop the rest.
const maxWaiting = 100_000

// Run works on triggers until ctx ends, then lets the calls in flight end.
func (d *Dispatcher) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = d.feed.Run(ctx) })
	if err := d.persist(ctx, "read the jobs", func(ctx context.Context) error {
		_, err := d.feed.Barrier(ctx)
		return err
	}); err != nil {
		return nil
	}
	wg.Go(func() { d.cleanUp(ctx) })
	wg.Go(func() { d.report(ctx) })
	wg.Go(func() { d.resumePaused(ctx) })
	if d.running.limit >= 0 && d.tracks() {
		wg.Go(func() { d.followEnds(ctx) })
	}
	wg.Go(func() { d.sweepLedger(ctx) })
	if d.tracker != nil {
		wg.Go(func() { d.tracker.run(ctx) })
	}
	for _, kind := range []events.Kind{events.KindCron, events.KindManual, events.KindRetry} {
		wg.Go(func() {
			d.pull(ctx, newSemaphore(d.workers, 0), jet.Queue{
				Stream: events.StreamTriggers, Name: "dispatch-" + string(kind),
				Filter: events.TriggersOf(kind), Pending: maxWaiting,
				Came: d.prior.preload, Gone: d.ends[events.StreamTriggers].Gone,
			}, 2*d.cfg.Workers)
		})
	}
	files := &files{d: d, sources: map[string]*source{}}
	err := files.run(ctx)
	wg.Wait() // from here on nothing is taken off a queue
	d.calls.Wait()
	return err
}

// grace is how long calls in flight may go on when the process stops. One that
// is cut off is made again at the next start, with the same key.
const grace = 2 * time.Second

// pull feeds one queue to the workers until ctx ends. A consumer that is gone
// is made again: the work is in the queue, not in the consumer.
func (d *Dispatcher) pull(ctx context.Context, s *semaphore, q jet.Queue, hold int) {
	for ctx.Err() == nil {
		err := d.bus.Pull(ctx, q, hold, func(m *jet.Delivery) { d.take(ctx, s, m) })
		if err != nil && ctx.Err() == nil {
			d.log.Warn("a queue cannot be read now", "queue", q.Name, "error", err.Error())
			daemon.Pause(ctx, 250*time.Millisecond)
		}
	}
}

// persist repeats what must be done until it is, saying once what is in the way.
func (d *Dispatcher) persist(ctx context.Context, what string, f func(context.Context) error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
		if wait == 100*time.Millisecond {
			d.log.Warn("cannot go on yet", "task", what, "error", err.Error())
		}
		daemon.Pause(ctx, wait)
		if d.bus.Held() != nil && d.bus.AwaitStore(ctx) == nil {
			wait = 50 * time.Millisecond
		}
	}
}
