package dispatcher

import (
	"context"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

const (
	sweepEvery   = 10 * time.Second // how often jobs without a source are asked for queued files
	idleAfter    = 30 * time.Second // how long a source without files stays
	consumerIdle = 5 * time.Minute  // how long the consumer behind it stays after that
)

// prefetch is how many files a source takes for each call that it may have in flight: while some are called, others
// wait for a worker or for their result to be stored.
const prefetch = 16

// files keeps one source for each enabled job with queued files, so that the files of one job never wait behind those
// of another. One goroutine owns it.
type files struct {
	d       *Dispatcher
	sources map[string]*source
}

// source pulls the files of one job.
type source struct {
	cancel      context.CancelFunc
	ended       chan struct{}
	concurrency int
	serial      bool
	active      atomic.Int64 // unix ns of the last hint or delivery
}

// run starts and stops sources until ctx ends.
func (f *files) run(ctx context.Context) {
	hints := make(chan string, 4096)
	if err := f.d.persist(ctx, "listen for files", func(context.Context) error {
		return f.d.bus.Files("").Hint(func(jobID string) { offer(hints, jobID) })
	}); err != nil {
		return
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	defer f.stopAll()
	for f.sweep(ctx); ; {
		select {
		case <-ctx.Done():
			return
		case id := <-hints:
			f.start(ctx, id)
		case id := <-f.d.jobs.changed:
			f.adjust(ctx, id)
		case <-tick.C:
			f.sweep(ctx)
		}
	}
}

// start makes sure that a job with files has a source, if it is enabled.
func (f *files) start(ctx context.Context, id string) {
	j, ok := f.d.jobs.get(id)
	if !ok || !j.automatic || j.Status != events.Enabled {
		return
	}
	if s, ok := f.sources[id]; ok {
		s.active.Store(time.Now().UnixNano())
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &source{cancel: cancel, ended: make(chan struct{}), concurrency: j.concurrency, serial: j.serial}
	s.active.Store(time.Now().UnixNano())
	f.sources[id] = s
	go func() { // ended by stop, which waits for it
		defer close(s.ended)
		queue := f.queue(id)
		queue.Idle, queue.Came, queue.Gone = consumerIdle, f.d.prior.preload, f.d.ends.files.Gone
		atOnce := prefetch * s.concurrency
		if s.serial {
			// The next file waits for the run of the one before, also while that is retried.
			queue.Pending, atOnce = 1, 1
		}
		f.d.pull(ctx, newSemaphore(f.d.workers, s.concurrency), queue, atOnce)
	}()
}

// queue is the consumer of the files of a job.
func (f *files) queue(id string) jet.Queue { return f.d.bus.Files(id).Queue("file-"+id, maxWaiting) }

// stop ends the source of a job, and waits for it.
func (f *files) stop(id string) {
	if s, ok := f.sources[id]; ok {
		s.cancel()
		<-s.ended
		delete(f.sources, id)
	}
}

func (f *files) stopAll() {
	for _, s := range f.sources {
		s.cancel()
	}
	for id := range f.sources {
		f.stop(id)
	}
}

// adjust restarts or stops the source of a job that has changed.
func (f *files) adjust(ctx context.Context, id string) {
	j, ok := f.d.jobs.get(id)
	s, pulling := f.sources[id]
	if pulling && (!ok || j.Status != events.Enabled || !j.automatic || j.concurrency != s.concurrency || j.serial != s.serial) {
		f.stop(id)
	}
	if ok && j.automatic && j.Status == events.Enabled {
		f.startIfQueued(ctx, id)
	}
}

// sweep finds files whose hint was lost, and ends sources that have none left.
func (f *files) sweep(ctx context.Context) {
	for _, id := range f.d.jobs.automatic() {
		if ctx.Err() != nil {
			return
		}
		if _, ok := f.sources[id]; !ok {
			f.startIfQueued(ctx, id)
		}
	}
	for id, s := range f.sources {
		if time.Since(time.Unix(0, s.active.Load())) < idleAfter {
			continue
		}
		// Its consumer counts them; asked for a file of the job, the broker goes through all that are queued.
		if out, queued, err := f.d.bus.Unsettled(ctx, f.queue(id)); err == nil && out+queued == 0 {
			f.stop(id)
		}
	}
}

// startIfQueued starts the source of a job if it has queued files.
func (f *files) startIfQueued(ctx context.Context, id string) {
	if has, err := f.d.bus.HasFiles(ctx, id); err == nil && has {
		f.start(ctx, id)
	}
}
