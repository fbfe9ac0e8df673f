package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"spool.internal/events/wait"
)

// stepLimit bounds one step of a stop; all steps together stay under 5 s
// because at most one of them, the flows', takes longer than a moment, and when
// it does it was asked to.
const stepLimit = 4 * time.Second

// Process is a running process and what it has to undo.
type Process struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry
	refused *prometheus.CounterVec // by listener and reason

	stopping atomic.Bool
	failed   chan error // the first part that ended by itself

	mu     sync.Mutex
	steps  []step
	checks []check
	notes  map[string]func() []string
}

type step struct {
	name  string
	limit time.Duration
	stop  func(context.Context) error
}

type check struct {
	name string
	why  func() error
}

// New makes a process with nothing in it.
func New(log *slog.Logger) *Process {
	spread()
	p := &Process{Log: log, Metrics: prometheus.NewRegistry(), failed: make(chan error, 1)}
	p.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "spool_http_refused_total", Help: "Connections closed and requests refused by a listener's limits, by reason.",
	}, []string{"listener", "reason"})
	p.Metrics.MustRegister(
		p.refused,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "spool_ready", Help: "1 when every part of this process is ready, else 0; /readyz says why.",
		}, func() float64 {
			if len(p.notReady()) == 0 {
				return 1
			}
			return 0
		}))
	return p
}

// OnStop registers a step of the stop; the last registered goes first.
func (p *Process) OnStop(name string, stop func(context.Context) error) {
	p.onStop(name, stepLimit, stop)
}

func (p *Process) onStop(name string, limit time.Duration, stop func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, step{name, limit, stop})
}

// OnCheck adds a reason why the process may not be ready.
func (p *Process) OnCheck(name string, why func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks = append(p.checks, check{name, why})
}

// OnNote adds what a person should know of a process that is ready all the same.
func (p *Process) OnNote(name string, notes func() []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.notes == nil {
		p.notes = map[string]func() []string{}
	}
	p.notes[name] = notes
}

// Notes gives what there is to know, by name.
func (p *Process) Notes() map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string][]string{}
	for name, notes := range p.notes {
		if said := notes(); len(said) > 0 {
			all[name] = said
		}
	}
	return all
}

// Go runs a part until the process stops. A part that ends before fails the process.
func (p *Process) Go(name string, run func(context.Context) error) { p.GoFor(name, 0, run) }

// GoFor runs a part that may take so much longer than others to stop.
func (p *Process) GoFor(name string, more time.Duration, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := run(ctx)
		if ctx.Err() == nil {
			if err == nil {
				err = errors.New("ended by itself")
			}
			select {
			case p.failed <- fmt.Errorf("%s: %w", name, err):
			default: // another part has failed already
			}
			err = nil
		}
		ended <- err
	}()
	p.onStop(name, stepLimit+more, func(limit context.Context) error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-limit.Done():
			return errors.New("did not end in time")
		}
	})
}

// Wait blocks until ctx ends or a part fails, then stops everything.
func (p *Process) Wait(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
		p.Log.Info("stopping", "cause", context.Cause(ctx).Error())
	case err = <-p.failed:
		p.Log.Error("a part has failed", "error", err.Error())
	}
	return errors.Join(err, p.Stop())
}

// Stop stops everything, last in first out. It may be called at any point of a
// start that went wrong, and again.
func (p *Process) Stop() error {
	p.stopping.Store(true)
	p.mu.Lock()
	steps := p.steps
	p.steps = nil
	p.mu.Unlock()
	var errs []error
	for i := len(steps) - 1; i >= 0; i-- {
		began := time.Now()
		limit, cancel := context.WithTimeoutCause(context.Background(), steps[i].limit, fmt.Errorf("%s took longer than %s", steps[i].name, steps[i].limit))
		if err := steps[i].stop(limit); err != nil && !errors.Is(err, context.Canceled) {
			errs = append(errs, fmt.Errorf("stop %s: %w", steps[i].name, err))
		}
		cancel()
		p.Log.Debug("stopped", "part", steps[i].name, "took", time.Since(began).String())
	}
	return errors.Join(errs...)
}

// AwaitReady blocks until every part is ready.
func (p *Process) AwaitReady(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(p.notReady()) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// settled is how long after a process became ready its start has left nothing to be done.
const settled = 10 * time.Second

// AnnounceReady is a part that logs once that the process is ready, and then gives back the memory that only
// the start needed.
func (p *Process) AnnounceReady(ctx context.Context) error {
	if p.AwaitReady(ctx) == nil {
		p.Log.Info("ready")
		if wait.Sleep(ctx, settled) == nil {
			debug.FreeOSMemory()
		}
	}
	<-ctx.Done()
	return nil
}

// NotReady lists the parts that are not ready, with the reason; empty = ready.
func (p *Process) NotReady() map[string]string { return p.notReady() }

// notReady lists the parts that are not ready, with the reason; empty = ready.
func (p *Process) notReady() map[string]string {
	why := map[string]string{}
	if p.stopping.Load() {
		why["process"] = "stopping"
	}
	p.mu.Lock()
	checks := p.checks
	p.mu.Unlock()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, c := range checks { // side by side: some ask a store that may take its time
		wg.Go(func() {
			if err := c.why(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				why[c.name] = err.Error()
			}
		})
	}
	wg.Wait()
	return why
}
