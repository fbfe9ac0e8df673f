package watcher

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
)

// recount is how long a count of an owner's queued files is used near the quota; what this watcher has queued since is
// added.
const recount = time.Second

// allotment is how many files one owner has queued, and may still queue. It is safe for concurrent use.
type allotment struct {
	full backpressure // of the quota

	mu      sync.Mutex
	queued  int // when they were counted, and since by this watcher
	counted time.Time
}

// allotments are the allotments of all owners with a quota.
type allotments struct {
	mu      sync.Mutex
	byOwner map[string]*allotment
}

func (a *allotments) of(owner string) *allotment {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byOwner == nil {
		a.byOwner = map[string]*allotment{}
	}
	if a.byOwner[owner] == nil {
		a.byOwner[owner] = &allotment{full: backpressure{last: recount}}
	}
	return a.byOwner[owner]
}

// allot leaves out the files for which the quota of their owner has no room: they stay pending. The queued files are
// counted when half of the quota may be used up, at most every second; so watchers that share folders can together exceed
// the quota by what each queues in a second.
func (t *turn) allot(ctx context.Context, fresh []*candidate) ([]*candidate, error) {
	quota := t.w.cfg.Queued
	if quota < 0 || len(fresh) == 0 || t.f.now.exempt.Load() {
		return fresh, nil
	}
	t.f.activity.Pause()
	defer t.f.activity.Touch()
	a := t.f.allotted
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if a.counted.IsZero() || a.queued+len(fresh) > quota/2 && now.Sub(a.counted) > recount {
		n, err := t.w.queuedOf(ctx, t.f.now.owner)
		if err != nil {
			return nil, err
		}
		select {
		case <-t.w.loaded:
			a.queued, a.counted = n, now
		default: // jobs are still being read: the next batch counts again
			a.queued = n
		}
	}
	if room := max(0, quota-a.queued); room < len(fresh) {
		fresh = fresh[:room]
	}
	a.queued += len(fresh)
	if len(fresh) > 0 {
		a.full.passed()
		return fresh, nil
	}
	err := events.Faultf(events.Full, "", "the quota of %d queued files of %s is used up", quota, t.f.now.owner)
	if a.full.failed(err, now) {
		t.f.log().Warn("files wait", "error", err.Error())
	}
	return nil, nil
}

// queuedOf counts the queued files of an owner's jobs.
func (w *Watcher) queuedOf(ctx context.Context, owner string) (all int, err error) {
	w.mu.Lock()
	var ids []string
	for id, f := range w.folders {
		if f.now.owner == owner && !f.now.exempt.Load() {
			ids = append(ids, id)
		}
	}
	for id, e := range w.elsewhere {
		if e.now.owner == owner && !e.now.exempt.Load() {
			ids = append(ids, id)
		}
	}
	w.mu.Unlock()
	for _, id := range ids {
		n, err := w.cfg.Bus.Files(id).Count(ctx)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}
