package watcher

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	poolSize = 4 // folders worked on at a time

	// A worker whose call into the file system hangs is parked: another takes its
	// place. On one mount that hangs a few show that it does; the other folders
	// there are not tried until one of them is back.
	maxStuck        = 64
	maxStuckOnMount = 4
	mountRetry      = 5 * time.Second

	checkStuckEvery = time.Second
	exitTimeout     = 3 * time.Second // how long Run waits at its end for calls that hang
)

var errStuck = errors.New("it did not answer for a while")

// crew is the workers, and what each has in hand.
type pool struct {
	mu      sync.Mutex
	workers map[*worker]bool
	mounts  []string // of the system, when a hand was last parked
	running sync.WaitGroup
}

// hand is one worker. Its crew guards it.
type worker struct {
	folder   *folder // that it works on, or nil
	stuck    bool
	mount    string // on which it hangs
	replaced bool   // another has taken its place
}

// begin puts a folder into a hand, unless its mount is known to hang.
func (c *pool) start(h *worker, f *folder) (ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mounts != nil && c.stuckOn(mountOf(c.mounts, f.host)) >= maxStuckOnMount {
		return false
	}
	f.activity.Touch()
	h.folder = f
	return true
}

// hung counts the calls that do not come back.
func (c *pool) stuck() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for h := range c.workers {
		if h.stuck {
			n++
		}
	}
	return n
}

func (c *pool) stuckOn(mount string) (n int) {
	for h := range c.workers {
		if h.stuck && h.mount == mount {
			n++
		}
	}
	return n
}

// end takes the folder back, and reports whether the hand had hung with it.
func (c *pool) finish(h *worker) (hung bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.folder.activity.Pause()
	hung, h.stuck, h.folder = h.stuck, false, nil
	return hung
}

// hire starts a worker; the crew is locked.
func (w *Watcher) startWorker(ctx context.Context) {
	h := &worker{}
	w.pool.workers[h] = true
	w.pool.running.Go(func() {
		w.work(ctx, h)
		w.pool.mu.Lock()
		defer w.pool.mu.Unlock()
		delete(w.pool.workers, h)
	})
}

// toil takes folders in turn.
func (w *Watcher) work(ctx context.Context, h *worker) {
	for !h.replaced {
		f := w.queue.pop()
		if f == nil {
			return
		}
		if !w.pool.start(h, f) {
			f.showStuck("its mount does not answer", time.Now())
			w.queue.done(f, mountRetry)
			continue
		}
		if f.stopped.Load() {
			w.queue.retire(f)
			w.retire(f)
			w.pool.finish(h)
			continue
		}
		wait := w.take(ctx, f)
		if w.pool.finish(h) {
			w.unavailable(f, errStuck, time.Now())
			f.show(nil)
			wait = checkStuckEvery
		}
		w.queue.done(f, wait)
	}
}

// oversee parks the workers that hang, until ctx ends.
func (w *Watcher) watchPool(ctx context.Context) {
	tick := time.NewTicker(checkStuckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.replaceStuck(ctx, time.Now())
		}
	}
}

func (w *Watcher) replaceStuck(ctx context.Context, now time.Time) {
	c := &w.pool
	c.mu.Lock()
	defer c.mu.Unlock()
	parked := 0
	for h := range c.workers {
		f := h.folder
		if f == nil || h.stuck || f.activity.Silent(now) < w.cfg.Hang {
			if h.stuck {
				parked++
			}
			continue
		}
		parked++
		c.mounts = mounts()
		h.stuck, h.mount = true, mountOf(c.mounts, f.host)
		f.showStuck("does not answer", now.Add(-f.activity.Silent(now)))
		f.log().Warn("folder does not answer: another worker goes on with the others", "path", f.host)
		if parked <= maxStuck {
			h.replaced = true
			w.startWorker(ctx)
		}
	}
	if parked == 0 {
		c.mounts = nil
	}
}

// dismiss waits for what Run has started, but not for long for what hangs.
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
