package watcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/metrics"
	"spool.internal/events/wait"
	"spool.internal/watcher/janitor"
	"spool.internal/watcher/notify"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// Watcher turns files that land in folders into triggers.
type Watcher struct {
	cfg   Config
	feed  *jet.JobFeed
	queue *queue
	pool  pool
	meter *meter

	notifier    notifier // set by Run, before anybody works
	mounted     func(*os.File) mounted
	unannounced time.Duration // how old a file is before it counts that nothing was reported of it

	loaded         chan struct{} // closed when every job is known
	changed        changedJobs
	ledger, intake backpressure // of ledger lookups and of commits

	links      *stage.Links // drives that cannot clone and take hard links
	shared     *origins     // which runs write into folders that many runs write into
	held       *holdings
	allotments allotments
	janitor    *janitor.Janitor

	mu               sync.Mutex
	running          bool
	started          time.Time
	folders          map[string]*folder           // by job id
	elsewhere        map[string]*elsewhere        // by job id
	roots            map[string]events.Path       // by the host folder of a drive: a path on it
	generations      map[string]map[string]string // by job id and path: see [events.Rerun]
	publishedWaiting map[string]bool              // by job id: STATE has files that wait
}

// notifier is a [notify.Notifier], as far as it is needed.
type notifier interface {
	Watch(l notify.Listener, path string) error
	Drop(l notify.Listener, path string)
	Ask(path string) (caughtUp func() bool)
}

// New wires a watcher; it starts nothing.
func New(cfg Config) (*Watcher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("watcher: %w", err)
	}
	w := &Watcher{
		cfg: cfg.withDefaults(), queue: newQueue(), pool: pool{workers: map[*worker]bool{}}, loaded: make(chan struct{}),
		mounted: mountedAt, unannounced: settle.UnannouncedAfter,
		links: &stage.Links{Above: cfg.LinkAbove}, shared: newOrigins(cfg.Drives.HostPath), held: newHoldings(),
		started: time.Now(), folders: map[string]*folder{}, elsewhere: map[string]*elsewhere{}, roots: map[string]events.Path{},
		generations: map[string]map[string]string{}, publishedWaiting: map[string]bool{},
	}
	w.shared.away = w.ranAway
	w.janitor = janitor.New(janitor.Config{Bus: cfg.Bus, Drives: cfg.Drives, Log: cfg.Log, Retention: w.cfg.Retention, Jobs: view{w}})
	w.feed = jet.NewJobFeed(cfg.Bus, w.apply)
	w.meter = newMeter(w)
	if err := metrics.Register(cfg.Metrics, "the watcher", w.meter.all()...); err != nil {
		return nil, err
	}
	return w, nil
}

// Run watches until ctx ends, and returns when everything that it has started has ended. Calls into a file system that
// does not answer are left behind after 3 s. It can be called once.
func (w *Watcher) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	notifier := notify.New(w.cfg.Log, notify.Counters{Reports: w.meter.reports, Overflows: w.meter.overflows})
	w.notifier = notifier
	w.setRunning(true)
	var all sync.WaitGroup
	failed := make(chan error, 1)
	all.Go(func() {
		defer cancel()
		failed <- w.feed.Run(ctx)
	})
	all.Go(func() { w.load(ctx) })
	all.Go(func() { w.followReruns(ctx) })
	all.Go(func() { w.followPlaces(ctx) })
	all.Go(func() { w.janitor.Run(ctx) })
	all.Go(func() { w.shared.follow(ctx, w.cfg.Bus) })
	all.Go(func() { w.reviewHeld(ctx) })
	all.Go(func() { w.followEndings(ctx) })
	all.Go(func() { w.report(ctx) })
	all.Go(func() { w.watchPool(ctx) })
	w.pool.mu.Lock()
	for range poolSize {
		w.startWorker(ctx)
	}
	w.pool.mu.Unlock()
	<-ctx.Done()
	w.setRunning(false)
	w.queue.close()
	w.awaitEnd(&all)
	if err := errors.Join(<-failed, notifier.Close()); err != nil {
		return fmt.Errorf("watcher: %w", err)
	}
	return nil
}

// load waits until every job is known.
func (w *Watcher) load(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := w.feed.Barrier(ctx); err == nil {
			close(w.loaded)
			return
		}
		_ = wait.Sleep(ctx, time.Second) // the loop sees that ctx has ended
	}
}

func (w *Watcher) setRunning(v bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = v
}

// Check returns why no files are taken now, or nil. A queue that is full for a while is no fault, nor is a folder that
// is not there.
func (w *Watcher) Check() error {
	w.mu.Lock()
	running := w.running
	w.mu.Unlock()
	if !running {
		return errors.New("watcher: not running")
	}
	if err := w.cfg.Bus.Check(); err != nil {
		return fmt.Errorf("watcher: %w", err)
	}
	select {
	case <-w.loaded:
	default:
		return errors.New("watcher: jobs are still being read")
	}
	now := time.Now()
	for _, p := range []*backpressure{&w.ledger, &w.intake} {
		if _, err := p.wait(now); err != nil && !jet.IsFull(err) {
			return fmt.Errorf("watcher: files cannot be queued: %w", err)
		}
	}
	return nil
}
