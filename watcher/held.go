package watcher

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// When held files are reviewed: after a job has changed, and whether or not one has.
const (
	reviewSoon = 100 * time.Millisecond
	reviewIdle = time.Minute
)

// holdings are the held files, by job and path. It is safe for concurrent use.
type holdings struct {
	mu     sync.Mutex
	byJob  map[string]map[string]events.Held
	wakeup wait.Wake // a job has changed, or another watcher has held a file
}

func newHoldings() *holdings {
	return &holdings{byJob: map[string]map[string]events.Held{}, wakeup: wait.NewWake()}
}

// askReview asks for a review, if anything is held.
func (h *holdings) askReview() {
	h.mu.Lock()
	some := len(h.byJob) > 0
	h.mu.Unlock()
	if some {
		h.wakeup.Set()
	}
}

// put adds one, and returns the one that it replaces.
func (h *holdings) put(held events.Held) (old events.Held, replaced bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byJob[held.JobID] == nil {
		h.byJob[held.JobID] = map[string]events.Held{}
	}
	old, replaced = h.byJob[held.JobID][held.RawPath()]
	h.byJob[held.JobID][held.RawPath()] = held
	return old, replaced && old.Fingerprint != held.Fingerprint
}

func (h *holdings) drop(jobID, path string) (old events.Held, had bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, had = h.byJob[jobID][path]; had {
		if delete(h.byJob[jobID], path); len(h.byJob[jobID]) == 0 {
			delete(h.byJob, jobID)
		}
	}
	return old, had
}

// replace replaces all of them, and returns the jobs for which that is news.
func (h *holdings) replace(all []events.Held) (news []string) {
	next := map[string]map[string]events.Held{}
	for _, held := range all {
		if next[held.JobID] == nil {
			next[held.JobID] = map[string]events.Held{}
		}
		next[held.JobID][held.RawPath()] = held
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range next {
		if len(next[id]) != len(h.byJob[id]) {
			news = append(news, id)
		}
	}
	for id := range h.byJob {
		if next[id] == nil {
			news = append(news, id)
		}
	}
	h.byJob = next
	return news
}

// show adds to the state of a job how many of its files are held.
func (h *holdings) show(s *events.WatchState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var shown events.Held
	for _, held := range h.byJob[s.JobID] {
		if s.Held++; shown.Path == "" || held.At.Before(shown.At) {
			shown = held
		}
	}
	s.Ring, s.Ignore = shown.Ring, shown.Ignore
}

func (h *holdings) count() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, files := range h.byJob {
		n += len(files)
	}
	return n
}

// holding notes that a file is held.
func (w *Watcher) holding(ctx context.Context, h events.Held) {
	if old, replaced := w.held.put(h); replaced {
		_ = w.cfg.Bus.ForgetHeld(ctx, old) // an entry that stays goes with its path
	}
	w.changed.add(h.JobID)
}

// letGo notes that the file at a path was triggered.
func (w *Watcher) letGo(ctx context.Context, jobID, path string) {
	if old, had := w.held.drop(jobID, path); had {
		_ = w.cfg.Bus.ForgetHeld(ctx, old) // the next listing finds an entry that stays
		w.changed.add(jobID)
	}
}

// reviewHeld releases held files whose ring is cut, and forgets those that are gone or ignored, until ctx ends.
func (w *Watcher) reviewHeld(ctx context.Context) {
	select {
	case <-w.loaded:
	case <-ctx.Done():
		return
	}
	_ = w.cfg.Bus.HeldFiles("").Hint(func(string) { w.held.wakeup.Set() }) // without hints it takes a minute
	tick := time.NewTicker(reviewIdle)
	defer tick.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	for {
		select {
		case <-w.held.wakeup:
			soon.Reset(reviewSoon)
			continue
		case <-soon.C:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		all, err := w.cfg.Bus.HeldFiles("").All(ctx)
		if err != nil {
			continue // the next tick tries again
		}
		w.changed.add(w.held.replace(all)...)
		rings := rings{w: w, jobs: map[string]*events.Job{}}
		for _, h := range all {
			if ctx.Err() == nil {
				w.review(ctx, &rings, h)
			}
		}
	}
}

// review releases one held file, if nothing holds it any more.
func (w *Watcher) review(ctx context.Context, r *rings, h events.Held) {
	w.mu.Lock()
	f := w.folders[h.JobID]
	w.mu.Unlock()
	if f == nil {
		return // another watcher's, or about to be cleaned up
	}
	free := ignoredPath(h.RawPath(), f.task.watch) || w.vanished(f.task, h)
	if !free && h.Deep {
		free = len(h.Chain) < w.cfg.MaxDepth
	} else if !free {
		closed, err := r.closed(ctx, h.Chain, h.JobID)
		free = err == nil && !closed
	}
	if !free || w.cfg.Bus.ReleaseHeld(ctx, h) != nil {
		return
	}
	w.held.drop(h.JobID, h.RawPath())
	w.changed.add(h.JobID)
	w.mu.Lock()
	defer w.mu.Unlock()
	if f = f.find(h.RawPath()); f != nil {
		f.rerun(h.RawPath(), w.generations[h.JobID][h.RawPath()])
	}
}

// vanished reports whether there is no such file any more, on a drive that holds the job's stages: a drive that is not
// mounted holds none.
func (w *Watcher) vanished(t task, h events.Held) bool {
	if _, err := w.cfg.Drives.Stat(w.cfg.Drives.Base(t.path).Join(events.StageRoot, h.JobID)); err != nil {
		return false
	}
	folder, err := w.cfg.Drives.OpenDir(t.path)
	if err == nil {
		defer folder.Close() //nolint:errcheck // nothing was written through it
		_, err = folder.Lstat(h.RawPath())
	}
	return errors.Is(err, fs.ErrNotExist)
}
