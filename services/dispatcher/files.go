package dispatcher

import (
	"context"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// How often jobs without a source are asked for queued files, and how long a
// source without work stays. The consumer behind it goes 5 minutes later.
const (
	sweepEvery   = 10 * time.Second
	idleAfter    = 30 * time.Second
	consumerIdle = 5 * time.Minute
)

// prefetch is how many files a source holds for each call that it may have in
// flight: while some are called, others wait for a worker or for their result to
// be stored.
const prefetch = 8

// files keeps one source for each enabled job with queued files, so that the
// backlog of one job never stands before the file of another. One goroutine
// owns it.
type files struct {
	d       *Dispatcher
	sources map[string]*source
}

// source pulls the files of one job.
type source struct {
	cancel context.CancelFunc
	ended  chan struct{}
	hold   int
	serial bool
	active atomic.Int64 // unix ns of the last hint or delivery
}

func (f *files) run(ctx context.Context) error {
	hints := make(chan string, 4096)
	if err := f.d.persist(ctx, "listen for files", func(context.Context) error {
		return f.d.bus.Hint(events.AllFiles, func(subject string) {
			if sub, err := events.ParseSubject(subject); err == nil {
				notify(hints, sub.JobID)
			}
		})
	}); err != nil {
		return nil
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	defer f.stopAll()
	for f.sweep(ctx); ; {
		select {
		case <-ctx.Done():
			return nil
		case id := <-hints:
			f.start(ctx, id)
		case id := <-f.d.jobs.changed:
			f.adjust(ctx, id)
		case <-tick.C:
			f.sweep(ctx)
		}
	}
}

// start makes sure that a job with files has a source.
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
	s := &source{cancel: cancel, ended: make(chan struct{}), hold: j.hold, serial: j.serial}
	s.active.Store(time.Now().UnixNano())
	f.sources[id] = s
	go func() { // ended by stop, which waits for it
		defer close(s.ended)
		queue := jet.Queue{
			Stream: events.StreamFiles, Name: "file-" + id, Filter: events.FilesOf(id),
			Pending: maxWaiting, Idle: consumerIdle, Keeps: true,
			Came: f.d.prior.preload, Gone: f.d.ends[events.StreamFiles].Gone,
		}
		hold := prefetch * s.hold
		if s.serial {
			// The next file waits for the run of the one before, also while that is called again.
			queue.Pending, hold = 1, 1
		}
		f.d.pull(ctx, newSemaphore(f.d.workers, s.hold), queue, hold)
	}()
}

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

// adjust follows a change of a job.
func (f *files) adjust(ctx context.Context, id string) {
	j, ok := f.d.jobs.get(id)
	s, pulling := f.sources[id]
	if pulling && (!ok || j.Status != events.Enabled || !j.automatic || j.hold != s.hold || j.serial != s.serial) {
		f.stop(id)
	}
	if ok && j.automatic && j.Status == events.Enabled {
		f.look(ctx, id)
	}
}

// sweep finds files whose hint was lost, and ends sources that have none left.
func (f *files) sweep(ctx context.Context) {
	for _, id := range f.d.jobs.automatic() {
		if ctx.Err() != nil {
			return
		}
		if _, ok := f.sources[id]; !ok {
			f.look(ctx, id)
		}
	}
	for id, s := range f.sources {
		if time.Since(time.Unix(0, s.active.Load())) < idleAfter {
			continue
		}
		if has, err := f.d.bus.HasFiles(ctx, id); err == nil && !has {
			f.stop(id)
		}
	}
}

func (f *files) look(ctx context.Context, id string) {
	if has, err := f.d.bus.HasFiles(ctx, id); err == nil && has {
		f.start(ctx, id)
	}
}

// cleanUp empties the queues of deleted jobs: those deleted while nobody looked, then those that are being deleted.
func (d *Dispatcher) cleanUp(ctx context.Context) {
	gone := map[string]bool{}
	for _, q := range []struct{ stream, filter string }{
		{events.StreamFiles, events.AllFiles},
		{events.StreamTriggers, events.AllTriggers},
		{events.StreamTriggers, events.AllCalled},
		{events.StreamTriggers, events.AllPaused},
	} {
		subjects, err := d.bus.Subjects(ctx, q.stream, q.filter)
		if err != nil {
			d.log.Warn("cannot look for work of deleted jobs", "stream", q.stream, "error", err.Error())
			continue
		}
		for s := range subjects {
			if sub, err := events.ParseSubject(s); err == nil {
				if _, ok := d.jobs.get(sub.JobID); !ok {
					gone[sub.JobID] = true
				}
			}
		}
	}
	for id := range gone {
		// A job that was made a moment ago may not be in the picture yet.
		if _, err := d.bus.Job(ctx, id); events.CodeOf(err) == events.NotFound {
			d.empty(ctx, id)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-d.jobs.deleted:
			d.empty(ctx, id)
		}
	}
}

func (d *Dispatcher) empty(ctx context.Context, id string) {
	_ = d.persist(ctx, "empty the queues of a deleted job", func(ctx context.Context) error {
		if err := d.bus.Purge(ctx, events.StreamFiles, events.FilesOf(id), 0); err != nil {
			return err
		}
		for _, kind := range []events.Kind{events.KindCron, events.KindManual, events.KindRetry} {
			if err := d.bus.Purge(ctx, events.StreamTriggers, events.TriggerSubject(kind, id), 0); err != nil {
				return err
			}
		}
		if err := d.bus.Purge(ctx, events.StreamTriggers, events.PausedOf(id), 0); err != nil {
			return err
		}
		return d.bus.Purge(ctx, events.StreamTriggers, events.CallsOf(id), 0)
	})
}
