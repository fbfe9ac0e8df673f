package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/events/metrics"
	"spool.internal/events/seal"
	"spool.internal/events/wait"
	"spool.internal/services/daemon"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/denial"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/reaper"
	"spool.internal/services/runner/record"
)

// maxQueued is how many runs may be delivered to the runners of a pool and not acknowledged,
// including those that wait for their next attempt.
const maxQueued = 100_000

// Runner accepts runs and runs them.
type Runner struct {
	cfg    Config
	bus    *jet.Bus
	drives *drive.Drives
	id     string // of the data folder, once Run has begun
	log    *slog.Logger
	reaper reaper.Reaper

	program process.Program // what flows are started from
	room    cell.Room       // the room of warm processes
	users   userSpaces      // for mounts that show files as owned by the flow's user
	loose   []byte          // the filter of system calls while only administrators may write flows
	lacks   []string        // what flows are not kept from

	profiles *profiles
	names    names                                        // addresses of the hosts that profiles let flows connect to
	audit    denial.Audit                                 // what the kernel denies to flows
	grouping sync.Once                                    // finds control groups for profiles, once
	bounds   bounding                                     // for profiles
	pool     *process.Pool                                // of warm processes
	takeWarm func(context.Context) (*process.Flow, error) // from the pool

	direct direct // calls

	lease lease // of the place
	meter meter
	slots chan struct{} // of flows, where two queues share them; nil: one has them all

	paused atomic.Bool // some runs may wait until their jobs are enabled

	mu     sync.Mutex
	active map[string]*inHand // by flow job id
	idle   error              // why no runs are taken from the queue; nil while they are
}

// New makes a runner. It fails on a system whose processes it cannot tell apart.
func New(cfg Config) (*Runner, error) {
	reap, err := reaper.New()
	if err = errors.Join(err, cfg.Validate()); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	if cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	cfg = cfg.withDefaults()
	if cfg.RunSecrets == nil && cfg.Secret != "" {
		if cfg.RunSecrets, err = seal.ForRunsOf(cfg.Secret); err != nil {
			return nil, fmt.Errorf("runner: %w", err)
		}
	}
	host := cfg.Host
	if host == nil {
		if host, err = cfg.look(); err != nil {
			return nil, fmt.Errorf("runner: %w", err)
		}
	}
	granting, err := newProfiles(cfg)
	if err != nil {
		host.Close()
		return nil, fmt.Errorf("runner: %w", err)
	}
	if len(host.lacks) > 0 {
		cfg.Log.Warn("flows are not shut in as they could be", "lacking", host.lacks)
	}
	r := &Runner{
		cfg: cfg, bus: cfg.Bus, drives: cfg.Drives, log: cfg.Log,
		reaper:  reap,
		program: host.program, room: host.room, loose: host.loose, lacks: host.lacks, profiles: granting,
		active: map[string]*inHand{}, idle: errors.New("not started"),
	}
	r.reaper.Place, r.lease.until, r.meter = cfg.Place, cfg.times.fence, newMeter()
	if cfg.Place != "" {
		r.slots = make(chan struct{}, cfg.Workers)
		if err := metrics.Register(cfg.Metrics, "the runner", prometheus.Collector(r.meter.waiting)); err != nil {
			host.Close()
			return nil, fmt.Errorf("runner: %w", err)
		}
	}
	r.pool = process.NewPool(host.program, r.roomNow, cfg.Log)
	r.takeWarm = r.pool.Take
	return r, nil
}

// Routes mounts the Run Binary API and the Job API.
func (r *Runner) Routes(router *mux.Router) {
	router.HandleFunc(events.RunBinaryPath, r.runBinary).Methods(http.MethodPost)
	router.HandleFunc(events.JobStatusPath, r.jobStatus).Methods(http.MethodGet, http.MethodHead)
	router.HandleFunc("/api/v1/jobs/cancel", r.cancel).Methods(http.MethodPost)
}

// Run performs the runs of the queue until ctx ends. Then it lets flows go on for Config.Drain and
// stops the rest, as the package comment says. It fails only when the data folder cannot be written.
func (r *Runner) Run(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(r.cfg.DataDir, "runs"), 0o700); err != nil {
		return fmt.Errorf("runner: %w", err)
	}
	var err error
	if r.id, err = record.Identity(r.cfg.DataDir); err != nil {
		return fmt.Errorf("runner: %w", err)
	}
	work, stop := daemon.Linger(ctx, r.cfg.Drain)
	defer stop()
	var runs, parts sync.WaitGroup
	helpers, dismiss := context.WithCancel(context.WithoutCancel(ctx))
	drain := func(helpers context.Context) { // Pull holds what is in hand until ctx ends
		<-ctx.Done()
		r.hold(helpers)
	}
	for _, part := range []func(context.Context){r.pool.Keep, r.keepMounts, r.hearCancels, r.answerGateways, r.forget, r.keepAnnouncing, r.keepProfiles, r.keepAudit, r.keepPaused, r.keepLease, drain} {
		parts.Go(func() { part(helpers) })
	}
	defer r.users.close()
	defer r.pool.Wait()
	defer parts.Wait()
	defer dismiss()
	defer runs.Wait()
	defer r.setIdle(errors.New("stopped"))
	for ctx.Err() == nil {
		if r.held() != nil {
			r.awaitStart(ctx)
			continue
		}
		if r.leased() != nil {
			r.awaitLease(ctx)
			continue
		}
		r.setIdle(nil)
		leased, shut := r.whileLeased(ctx)
		open, stop := r.untilHeld(leased)
		err := r.pull(open, func(d *jet.Delivery) { r.take(work, d, &runs) })
		stop()
		shut()
		if err != nil && ctx.Err() == nil {
			r.setIdle(err)
			r.log.Warn("the queue of runs cannot be read and is tried again", "pool", r.cfg.Pool, "error", err.Error())
			_ = wait.Sleep(ctx, time.Second)
		}
	}
	return nil
}

// pull takes runs off the queue of the place, and off that of the pool, until ctx ends.
func (r *Runner) pull(ctx context.Context, take func(*jet.Delivery)) error {
	if r.cfg.Place == "" {
		return r.bus.Pull(ctx, r.queue(), r.cfg.Workers, take)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inTurn := func(d *jet.Delivery) {
		select {
		case r.slots <- struct{}{}:
			take(d)
		case <-ctx.Done():
			_ = d.Nak(0) // when this fails it comes again by itself
		}
	}
	own, pool := r.queue(), r.queueNamed(r.cfg.Pool)
	own.Beside, pool.Beside = &pool, &own
	ended := make(chan error, 2)
	for _, queue := range []jet.Queue{own, pool} {
		go func() {
			ended <- r.bus.Pull(ctx, queue, r.cfg.Workers, inTurn)
			cancel() // both, or none
		}()
	}
	return errors.Join(<-ended, <-ended)
}

// freeSlot lets another flow begin, of whichever queue.
func (r *Runner) freeSlot() {
	if r.slots != nil {
		<-r.slots
	}
}

// queue is that of the place, or of the pool where there is no place.
func (r *Runner) queue() jet.Queue { return r.queueNamed(events.RunQueueOf(r.cfg.Pool, r.cfg.Place)) }

func (r *Runner) queueNamed(name string) jet.Queue {
	return r.bus.RunQueue(name).Queue(jet.RunConsumer(name), maxQueued)
}

// Check reports why the runner is not ready, or nil.
func (r *Runner) Check() error {
	r.mu.Lock()
	err := r.idle
	r.mu.Unlock()
	if err == nil {
		err = r.leased()
	}
	return errors.Join(r.bus.Check(), err)
}

func (r *Runner) setIdle(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = why
}
