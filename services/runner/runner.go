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
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
)

// maxQueued is how many runs may be in the hands of all runners of a pool.
const maxQueued = 10_000

// Runner accepts runs and runs them.
type Runner struct {
	cfg    Config
	bus    *jet.Bus
	drives *drive.Drives
	log    *slog.Logger
	host   string // name of this host
	boot   string // boot id of its kernel

	mu     sync.Mutex
	active map[string][]*jet.Delivery // by flow job id: the runs in hand, and by which deliveries
	idle   error                      // why the queue is not worked on; nil while it is
}

// New makes a runner. It fails on a system whose processes it cannot tell apart.
func New(cfg Config) (*Runner, error) {
	if err := errors.Join(supported(), cfg.Validate()); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	if _, found, err := lookup(os.Getpid()); err != nil || !found {
		return nil, fmt.Errorf("runner: the process table cannot be read, and without it no flow can be proven dead: %w", err)
	}
	if cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	cfg = cfg.withDefaults()
	return &Runner{
		cfg: cfg, bus: cfg.Bus, drives: cfg.Drives, log: cfg.Log,
		host: host, boot: bootID(),
		active: map[string][]*jet.Delivery{}, idle: errors.New("not started"),
	}, nil
}

// Routes mounts the Run Binary API and the Job API.
func (r *Runner) Routes(router *mux.Router) {
	router.HandleFunc(events.RunBinaryPath, r.runBinary).Methods(http.MethodPost)
	router.HandleFunc("/api/v1/jobs/status", r.jobStatus).Methods(http.MethodGet, http.MethodHead)
}

// Run works on the queue until ctx ends, then stops the flows as the package
// comment says. It fails only when the data folder cannot be written.
func (r *Runner) Run(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(r.cfg.DataDir, "runs"), 0o700); err != nil {
		return fmt.Errorf("runner: %w", err)
	}
	queue := jet.Queue{
		Stream: events.StreamRuns, Name: "runner-" + r.cfg.Pool,
		Filter: events.RunQueueSubject(r.cfg.Pool), Pending: maxQueued,
	}
	var runs sync.WaitGroup
	defer runs.Wait()
	defer r.setIdle(errors.New("stopped"))
	for ctx.Err() == nil {
		r.setIdle(nil)
		err := r.bus.Pull(ctx, queue, r.cfg.Workers, func(d *jet.Delivery) { r.take(ctx, d, &runs) })
		if err != nil && ctx.Err() == nil {
			r.setIdle(err)
			r.log.Warn("the queue of runs cannot be read and is tried again", "pool", r.cfg.Pool, "error", err.Error())
			pause(ctx, time.Second)
		}
	}
	return nil
}

// Check reports why the runner is not ready, or nil.
func (r *Runner) Check() error {
	r.mu.Lock()
	err := r.idle
	r.mu.Unlock()
	return errors.Join(r.bus.Check(), err)
}

func (r *Runner) setIdle(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = why
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
