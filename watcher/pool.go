package watcher

import (
	"context"
	"errors"
	"sync"
	"time"

	"spool.internal/events/wait"
)

const (
	poolSize = 4 // folders worked on at a time

	// A worker that is stuck in a call into the file system is replaced. A few on one mount show that the mount hangs;
	// its other folders are then not tried until one of the workers is back.
	maxStuck        = 64
	maxStuckOnMount = 4
	mountRetry      = 5 * time.Second

	checkStuckEvery = time.Second
	exitTimeout     = 3 * time.Second // how long Run waits at its end for calls that hang
)

var errStuck = errors.New("it did not answer for a while")

// pool tracks the workers and the folder each is processing.
type pool struct {
	running sync.WaitGroup // the workers

	mu      sync.Mutex
	workers map[*worker]bool
	mounts  []string // of the system, when a worker last got stuck; nil = none is
}

// worker is one worker of a pool, which guards it.
type worker struct {
	folder   *folder // that it works on, or nil
	stuck    bool
	mount    string // on which it is stuck
	replaced bool   // another has taken its place
}

// start gives a folder to a worker, unless its mount is known to hang.
func (p *pool) start(k *worker, f *folder) (ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mounts != nil && p.stuckOn(mountOf(p.mounts, f.host)) >= maxStuckOnMount {
		return false
	}
	f.activity.Touch()
	k.folder = f
	return true
}

// finish takes the folder back, and reports whether the worker was stuck in it.
func (p *pool) finish(k *worker) (stuck bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k.folder.activity.Pause()
	stuck, k.stuck, k.folder = k.stuck, false, nil
	return stuck
}

// stuck counts the workers that are stuck.
func (p *pool) stuck() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.workers {
		if k.stuck {
			n++
		}
	}
	return n
}

// stuckOn counts those that are stuck on a mount; the pool is locked.
func (p *pool) stuckOn(mount string) (n int) {
	for k := range p.workers {
		if k.stuck && k.mount == mount {
			n++
		}
	}
	return n
}

// startWorker adds a worker; the pool is locked.
func (w *Watcher) startWorker(ctx context.Context) {
	k := &worker{}
	w.pool.workers[k] = true
	w.pool.running.Go(func() {
		w.work(ctx, k)
		w.pool.mu.Lock()
		defer w.pool.mu.Unlock()
		delete(w.pool.workers, k)
	})
}

// work takes folders in turn, until the queue is closed or the worker is replaced.
func (w *Watcher) work(ctx context.Context, k *worker) {
	for !k.replaced {
		f := w.queue.pop()
		if f == nil {
			return
		}
		if !w.pool.start(k, f) {
			f.showStuck("its mount does not answer", time.Now())
			w.queue.done(f, mountRetry)
			continue
		}
		if f.stopped.Load() {
			w.queue.retire(f)
			w.retire(f)
			w.pool.finish(k)
			continue
		}
		wait := w.take(ctx, f)
		if w.pool.finish(k) {
			w.unavailable(f, errStuck, time.Now())
			f.show(nil)
			wait = checkStuckEvery
		}
		w.queue.done(f, wait)
	}
}

// watchPool replaces stuck workers, until ctx ends.
func (w *Watcher) watchPool(ctx context.Context) {
	tick := time.NewTimer(wait.Whole(checkStuckEvery))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			tick.Reset(wait.Whole(checkStuckEvery))
			w.replaceStuck(ctx, time.Now())
		}
	}
}

func (w *Watcher) replaceStuck(ctx context.Context, now time.Time) {
	p := &w.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	stuck := 0
	for k := range p.workers {
		f := k.folder
		if f == nil || k.stuck || f.activity.Silent(now) < w.cfg.Hang {
			if k.stuck {
				stuck++
			}
			continue
		}
		stuck++
		p.mounts = mounts()
		k.stuck, k.mount = true, mountOf(p.mounts, f.host)
		f.showStuck("does not answer", now.Add(-f.activity.Silent(now)))
		f.log().Warn("folder does not answer: another worker goes on with the others", "path", f.host)
		if stuck <= maxStuck {
			k.replaced = true
			w.startWorker(ctx)
		}
	}
	if stuck == 0 {
		p.mounts = nil
	}
}

// awaitEnd waits for what Run has started, but not for long for calls that hang.
func (w *Watcher) awaitEnd(others *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() {
		w.pool.running.Wait()
		others.Wait()
		close(ended)
	}()
	late := time.NewTimer(exitTimeout)
	defer late.Stop()
	select {
	case <-ended:
		for _, f := range w.allFolders() {
			w.queue.retire(f)
			w.retire(f)
		}
	case <-late.C:
		w.cfg.Log.Warn("the file system does not answer: what waits for it is left behind")
	}
}
