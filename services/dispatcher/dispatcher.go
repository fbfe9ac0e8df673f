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
	"spool.internal/events/seal"
	"spool.internal/events/wait"
	"spool.internal/services/daemon"
)

// Dispatcher makes the calls.
type Dispatcher struct {
	cfg       Config
	bus       *jet.Bus
	log       *slog.Logger
	feed      *jet.JobFeed
	jobs      *jobCache
	strict    *http.Client  // verifies certificates
	lax       *http.Client  // does not, for jobs that say so
	workers   chan struct{} // semaphore: one slot for each
	calls     *pool         // deliveries that are not settled
	endpoints *endpoints
	elsewhere func(context.Context) bool // another dispatcher's endpoint takes connections
	flight    flight
	prior     priorEnds
	waiting   *waiting
	running   *running // for the quota
	cancels   *cancels // before their calls
	results   jet.ResultWriter
	ends      ends // by the stream of the queue
	meter     *meter
	paused    atomic.Bool // triggers may wait until their jobs are enabled
	tracker   *tracker    // nil unless TrackRuns
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
		workers:   make(chan struct{}, cfg.Workers),
		calls:     newPool(),
		endpoints: newEndpoints(cfg.RunBinaryURL, cfg.ProbeEvery, cfg.CallTimeout),
		elsewhere: newElsewhere(cfg.Bus).open,
		flight:    flight{ids: map[string]bool{}},
		waiting:   newWaiting(),
		running:   newRunning(cfg.Running),
		cancels:   newCancels(),
		results:   cfg.Bus.NewResults(),
		ends:      ends{files: cfg.Bus.FileEnds(), triggers: cfg.Bus.TriggerEnds()},
	}
	d.prior = priorEnds{bus: cfg.Bus, ends: d.ends, jobs: map[string]jobResults{}, heard: map[*jet.Ends]heard{}}
	d.meter = newMeter(d)
	if err := metrics.Register(cfg.Metrics, "the dispatcher", d.meter.all...); err != nil {
		return nil, err
	}
	if cfg.TrackRuns && cfg.Secret == "" {
		address, err := statusURL(cfg.RunBinaryURL)
		if err != nil {
			return nil, err
		}
		d.tracker = newTracker(d, address)
	}
	d.jobs = newJobCache(cfg.SealKey, cfg.Secret != "", append(secretsIn(cfg.RunBinaryURL), cfg.Secret), cfg.Log)
	d.feed = jet.NewJobFeed(cfg.Bus, d.jobs.apply)
	return d, nil
}

// Check returns why triggers are not called for now, or nil.
func (d *Dispatcher) Check() error { return d.bus.Check() }

// Endpoint says whether the endpoint takes connections, and how many triggers wait for
// it or for a retry.
func (d *Dispatcher) Endpoint() events.EndpointState {
	e := d.endpoints.state()
	e.Waiting = d.waiting.count()
	return e
}

// maxWaiting is how many deliveries of one queue may be unacked. It includes those that wait for a retry, so that they
// do not stop the rest.
const maxWaiting = 100_000

// Run works on triggers until ctx ends, then waits for the calls in flight.
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
	var heard uint64
	if err := d.persist(ctx, "read what was cancelled", func(ctx context.Context) (err error) {
		heard, err = d.readCancels(ctx)
		return err
	}); err != nil {
		return nil
	}
	wg.Go(func() { d.followCancels(ctx, heard) })
	wg.Go(func() { d.endCancelled(ctx) })
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
			queue := d.bus.Triggers(kind, "").Queue("dispatch-"+string(kind), maxWaiting)
			queue.Came, queue.Gone = d.prior.preload, d.ends.triggers.Gone
			d.pull(ctx, newSemaphore(d.workers, 0), queue, 2*d.cfg.Workers)
		})
	}
	files := &files{d: d, sources: map[string]*source{}}
	files.run(ctx)
	wg.Wait() // from here on nothing is taken off a queue
	d.calls.close()
	return nil
}

// grace is how long calls in flight may go on when the process stops. One that is cut off is retried after the next
// start, with the same key.
const grace = 2 * time.Second

// pull takes the deliveries of one queue, so many at a time, until ctx ends. A consumer that is gone is recreated: the
// work is in the queue, not in the consumer.
func (d *Dispatcher) pull(ctx context.Context, s *semaphore, q jet.Queue, atOnce int) {
	calls, _ := daemon.Linger(ctx, grace) // ctx ends it
	for ctx.Err() == nil {
		err := d.bus.Pull(ctx, q, atOnce, func(m *jet.Delivery) { d.take(ctx, calls, s, m) })
		if err != nil && ctx.Err() == nil {
			d.log.Warn("a queue cannot be read now", "queue", q.Name, "error", err.Error())
			_ = wait.Sleep(ctx, 250*time.Millisecond)
		}
	}
}

// persist calls f until it succeeds, with backoff, and logs the first failure. It returns an error when ctx has ended.
func (d *Dispatcher) persist(ctx context.Context, task string, f func(context.Context) error) error {
	retry := wait.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}
	for logged := false; ; {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", task, context.Cause(ctx))
		}
		if !logged {
			d.log.Warn("a task failed and is retried until it succeeds", "task", task, "error", err.Error())
			logged = true
		}
		_ = retry.Wait(ctx)
		if d.bus.Held() != nil && d.bus.AwaitStore(ctx) == nil {
			retry.Reset()
			logged = false
		}
	}
}
