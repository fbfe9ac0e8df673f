package watcher

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	workers = 4 // folders worked on at a time

	// A worker whose call into the file system hangs is parked: another takes its
	// place. On one mount that hangs a few show that it does; the other folders
	// there are not tried until one of them is back.
	maxParked  = 64
	maxOnMount = 4
	shutFor    = 5 * time.Second

	overseeing = time.Second
	farewell   = 3 * time.Second // how long Run waits at its end for calls that hang
)

var errHung = errors.New("it did not answer for a while")

// crew is the workers, and what each has in hand.
type crew struct {
	mu     sync.Mutex
	hands  map[*hand]bool
	mounts []string // of the system, when a hand was last parked
	work   sync.WaitGroup
}

// hand is one worker. Its crew guards it.
type hand struct {
	folder   *folder // that it works on, or nil
	parked   bool
	mount    string // on which it hangs
	replaced bool   // another has taken its place
}

// begin puts a folder into a hand, unless its mount is known to hang.
func (c *crew) begin(h *hand, f *folder) (ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mounts != nil && c.parkedOn(mountOf(c.mounts, f.host)) >= maxOnMount {
		return false
	}
	f.pulse.Touch()
	h.folder = f
	return true
}

// hung counts the calls that do not come back.
func (c *crew) hung() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for h := range c.hands {
		if h.parked {
			n++
		}
	}
	return n
}

func (c *crew) parkedOn(mount string) (n int) {
	for h := range c.hands {
		if h.parked && h.mount == mount {
			n++
		}
	}
	return n
}

// end takes the folder back, and reports whether the hand had hung with it.
func (c *crew) end(h *hand) (hung bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.folder.pulse.Pause()
	hung, h.parked, h.folder = h.parked, false, nil
	return hung
}

// hire starts a worker; the crew is locked.
func (w *Watcher) hire(ctx context.Context) {
	h := &hand{}
	w.crew.hands[h] = true
	w.crew.work.Go(func() {
		w.toil(ctx, h)
		w.crew.mu.Lock()
		defer w.crew.mu.Unlock()
		delete(w.crew.hands, h)
	})
}

// toil takes folders in turn.
func (w *Watcher) toil(ctx context.Context, h *hand) {
	for !h.replaced {
		f := w.queue.pop()
		if f == nil {
			return
		}
		if !w.crew.begin(h, f) {
			f.showHung("its mount does not answer", time.Now())
			w.queue.done(f, shutFor)
			continue
		}
		if f.stopped.Load() {
			w.queue.retire(f)
			w.retire(f)
			w.crew.end(h)
			continue
		}
		wait := w.take(ctx, f)
		if w.crew.end(h) {
			w.lose(f, errHung, time.Now())
			f.show(nil)
			wait = overseeing
		}
		w.queue.done(f, wait)
	}
}

// oversee parks the workers that hang, until ctx ends.
func (w *Watcher) oversee(ctx context.Context) {
	tick := time.NewTicker(overseeing)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.park(ctx, time.Now())
		}
	}
}

func (w *Watcher) park(ctx context.Context, now time.Time) {
	c := &w.crew
	c.mu.Lock()
	defer c.mu.Unlock()
	parked := 0
	for h := range c.hands {
		f := h.folder
		if f == nil || h.parked || f.pulse.Silent(now) < w.cfg.Hang {
			if h.parked {
				parked++
			}
			continue
		}
		parked++
		c.mounts = mounts()
		h.parked, h.mount = true, mountOf(c.mounts, f.host)
		f.showHung("does not answer", now.Add(-f.pulse.Silent(now)))
		f.log().Warn("folder does not answer: another worker goes on with the others", "path", f.host)
		if parked <= maxParked {
			h.replaced = true
			w.hire(ctx)
		}
	}
	if parked == 0 {
		c.mounts = nil
	}
}

// dismiss waits for what Run has started, but not for long for what hangs.
func (w *Watcher) dismiss(others *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() {
		w.crew.work.Wait()
		others.Wait()
		close(ended)
	}()
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-ended:
		for _, f := range w.list() {
			w.queue.retire(f)
			w.retire(f)
		}
	case <-late.C:
		w.cfg.Log.Warn("the file system does not answer: what waits for it is left behind")
	}
}
