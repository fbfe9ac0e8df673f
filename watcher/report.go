package watcher

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
	"spool.internal/watcher/settle"
)

// reportEvery is how often the state of a folder is published, at most.
const reportEvery = time.Second

// shown is what a folder shows of itself.
type shown struct {
	mu      sync.Mutex
	state   events.WatchState
	waiting []events.WaitingFile
	more    int // files that wait besides those
}

// logged is what the log knows of a folder.
type logged struct {
	state  settle.State
	reason string
}

func (f *folder) status() events.WatchState {
	f.shown.mu.Lock()
	defer f.shown.mu.Unlock()
	return f.shown.state
}

// show publishes the folder's state, and logs it when it has changed. why is why its files wait, if they do.
func (f *folder) show(why error) {
	state, since, reason := f.work.dir.Status()
	if now := (logged{state, reason}); now != f.work.logged {
		f.work.logged = now
		f.logState(state, reason)
	}
	pending, oldest := len(f.work.pending)+f.work.crowded, time.Time{}
	for _, c := range f.work.pending {
		if oldest.IsZero() || c.seen.Before(oldest) {
			oldest = c.seen
		}
	}
	if why == nil {
		why = f.blocking()
	}
	if why != nil && pending > 0 && !f.work.dir.Away() {
		reason = "files wait: " + why.Error()
	}
	f.publishWaiting()
	f.publish(events.WatchState{
		JobID: f.jobID, State: state.Shown(), Since: since.UTC(), HostPath: f.host,
		Reason: reason, Pending: pending, OldestPending: oldest.UTC(), Unmarked: f.work.unmarked, Note: f.note(), LastScan: f.work.scannedAt.UTC(),
		Looked: f.work.looked, Ignored: f.work.ignored,
	})
}

func (f *folder) publish(state events.WatchState) {
	f.shown.mu.Lock()
	defer f.shown.mu.Unlock()
	old := f.shown.state
	old.LastScan = state.LastScan // a new scan alone is no change
	if f.shown.state = state; state != old {
		f.stateChanged()
	}
}

func (f *folder) publishWaiting() {
	list, more := f.waiting(time.Now())
	f.shown.mu.Lock()
	defer f.shown.mu.Unlock()
	if slices.Equal(list, f.shown.waiting) && more == f.shown.more {
		return
	}
	f.shown.waiting, f.shown.more = list, more
	f.stateChanged()
}

// showStuck publishes that the folder does not answer, on behalf of the worker that is stuck in it.
func (f *folder) showStuck(reason string, since time.Time) {
	s := f.status()
	if s.State != events.FolderBlocked {
		s.Since = since.UTC()
	}
	s.JobID, s.HostPath, s.State = f.jobID, f.host, events.FolderBlocked
	s.Reason = reason + " (looked at " + f.host + ")"
	f.publish(s)
}

// logState logs the state: as a warning when something is wrong, and when it is right again.
func (f *folder) logState(s settle.State, reason string) {
	log := f.log().With("path", f.host)
	switch s {
	case settle.Live:
		if f.work.troubled {
			log.Info("folder is watched again")
		} else {
			log.Debug("folder is watched")
		}
		f.work.troubled = false
	case settle.Poll:
		log.Warn("folder cannot be watched and is polled", "reason", reason)
		f.work.troubled = true
	case settle.Absent, settle.Blocked:
		log.Warn("folder cannot be read: no file in it is seen", "state", s.String(), "reason", reason)
		f.work.troubled = true
	default:
		log.Debug("folder is scanned", "state", s.String(), "reason", reason)
	}
}

// changedJobs are the jobs whose state has changed since it was last published. It is safe for concurrent use.
type changedJobs struct {
	mu   sync.Mutex
	jobs map[string]bool
}

func (b *changedJobs) add(jobIDs ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs == nil {
		b.jobs = map[string]bool{}
	}
	for _, id := range jobIDs {
		b.jobs[id] = true
	}
}

func (b *changedJobs) take() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.jobs
	b.jobs = nil
	return all
}

// report publishes the states of folders when they have changed, and all of them from time to time, until ctx ends.
func (w *Watcher) report(ctx context.Context) {
	tick, anyway := time.NewTimer(wait.Whole(reportEvery)), time.NewTimer(wait.Whole(events.StateRenew))
	said := time.Now() // all of them
	defer tick.Stop()
	defer anyway.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-anyway.C:
			anyway.Reset(wait.Whole(events.StateRenew))
			now := time.Now()
			if !now.Truncate(w.cfg.Bus.RenewStates()).After(said) {
				w.changed.add(w.withWaiting()...)
				continue
			}
			said = now
			w.changed.add(w.jobIDs()...)
		case <-tick.C:
			tick.Reset(wait.Whole(reportEvery))
			w.reportChanges(ctx)
		}
	}
}

// reportChanges publishes the states that have changed. If that fails, the next call tries again.
func (w *Watcher) reportChanges(ctx context.Context) {
	for batch := range slices.Chunk(w.states(maps.Keys(w.changed.take())), maxBatch) {
		var files []events.WaitingFiles
		var ids []string
		for _, s := range batch {
			ids = append(ids, s.JobID)
			if all, ok := w.waitingOf(s.JobID); ok {
				files = append(files, all)
			}
		}
		if w.cfg.Bus.PutFolderStates(ctx, batch, files) != nil {
			w.changed.add(ids...)
		}
	}
}

// withWaiting are the jobs of which files wait: which those are is never kept for long.
func (w *Watcher) withWaiting() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.publishedWaiting))
}
