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

// When held files are reviewed: twice after a job has changed or a file was held, since that is heard of before the
// listing shows it; and whether or not something happened.
const (
	reviewSoon  = 100 * time.Millisecond
	reviewAgain = 3 * time.Second
	reviewIdle  = time.Minute
)

// listingLag is how old something may be that a listing does not yet show, as a follower of the leader may answer it.
const listingLag = 2 * time.Second

// holdings are the held files, by job and path. It is safe for concurrent use.
type holdings struct {
	wakeup wait.Wake // a job has changed, or a watcher has held a file

	mu     sync.Mutex
	byJob  map[string]map[string]events.Held
	recent map[jobPath]time.Time // when it was put or dropped, so lately that a listing may not show it
}

type jobPath struct{ jobID, path string }

func newHoldings() *holdings {
	return &holdings{byJob: map[string]map[string]events.Held{}, recent: map[jobPath]time.Time{}, wakeup: wait.NewWake()}
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
	h.recent[jobPath{held.JobID, held.RawPath()}] = time.Now()
	return old, replaced && old.Fingerprint != held.Fingerprint
}

func (h *holdings) drop(jobID, path string) (old events.Held, had bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, had = h.byJob[jobID][path]; had {
		h.recent[jobPath{jobID, path}] = time.Now()
		if delete(h.byJob[jobID], path); len(h.byJob[jobID]) == 0 {
			delete(h.byJob, jobID)
		}
	}
	return old, had
}

// replace replaces all of them by a listing, and returns the jobs for which that is news. What was put or dropped after
// the listing began stays as it is: the listing may not show it.
func (h *holdings) replace(all []events.Held, began time.Time) (news []string) {
	next := map[string]map[string]events.Held{}
	for _, held := range all {
		if next[held.JobID] == nil {
			next[held.JobID] = map[string]events.Held{}
		}
		next[held.JobID][held.RawPath()] = held
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keepRecent(next, began.Add(-listingLag))
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

// keepRecent takes over into a listing what was put or dropped since a time, and forgets what is older; h is locked.
func (h *holdings) keepRecent(next map[string]map[string]events.Held, since time.Time) {
	for k, at := range h.recent {
		if at.Before(since) {
			delete(h.recent, k)
			continue
		}
		held, had := h.byJob[k.jobID][k.path]
		switch {
		case !had:
			if delete(next[k.jobID], k.path); len(next[k.jobID]) == 0 {
				delete(next, k.jobID)
			}
		case next[k.jobID] == nil:
			next[k.jobID] = map[string]events.Held{k.path: held}
		default:
			next[k.jobID][k.path] = held
		}
	}
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
	soon, again := time.NewTimer(0), time.NewTimer(reviewAgain)
	defer soon.Stop()
	defer again.Stop()
	for {
		select {
		case <-w.held.wakeup:
			soon.Reset(reviewSoon)
			again.Reset(reviewAgain)
			continue
		case <-soon.C:
		case <-again.C:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		all, err := w.listHeld(ctx)
		if err != nil {
			again.Reset(reviewAgain)
			continue
		}
		rings := rings{w: w, jobs: map[string]*events.Job{}}
		for _, h := range all {
			if ctx.Err() == nil {
				w.review(ctx, &rings, h)
			}
		}
	}
}

// listHeld reads which files are held, whoever held them.
func (w *Watcher) listHeld(ctx context.Context) ([]events.Held, error) {
	began := time.Now()
	all, err := w.cfg.Bus.HeldFiles("").All(ctx)
	if err == nil {
		w.changed.add(w.held.replace(all, began)...)
	}
	return all, err
}

// review releases one held file, if nothing holds it any more.
func (w *Watcher) review(ctx context.Context, r *rings, h events.Held) {
	w.mu.Lock()
	f := w.folders[h.JobID]
	w.mu.Unlock()
	if f == nil || h.Place != "" && h.Place != f.task.place {
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
