package watcher

import (
	"cmp"
	"iter"
	"path"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/watcher/notify"
	"spool.internal/watcher/stage"
)

// A recursive job has a folder for each directory below its own, with a state and a watch of its own. Scans and reports
// of a directory add the folders of the directories in it; a folder whose directory has gone retires by itself. The
// watcher's lock guards the tree.

// subPath returns the path of a name in the folder, as the ledger knows it: below the folder of the job.
func (f *folder) subPath(name string) string { return path.Join(f.below, name) }

// addSub watches a directory in the folder, unless it is watched already.
func (w *Watcher) addSub(f *folder, name string, s stage.Stat) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.stopped.Load() || f.subs[name] != nil {
		return
	}
	t := f.task
	if s.Changed >= t.before {
		t.before = 0 // it came, or something came into it, after the job was made
	}
	sub := w.newFolder(f.jobID, t, f.subPath(name), f.now)
	sub.parent = f
	if f.subs == nil {
		f.subs = map[string]*folder{}
	}
	f.subs[name] = sub
	w.queue.push(sub)
}

// hasSub reports whether a directory in the folder is watched already.
func (w *Watcher) hasSub(f *folder, name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f.subs[name] != nil
}

// removeSub retires the folder of a directory that has gone. Another can have taken its place meanwhile, so the parent
// looks at the name again.
func (w *Watcher) removeSub(f *folder) {
	w.mu.Lock()
	delete(f.parent.subs, path.Base(f.below))
	f.stateChanged()
	w.stop(f)
	w.mu.Unlock()
	f.parent.Changed(path.Base(f.below), notify.Touched)
}

// tree returns a folder and all below it; the watcher is locked.
func (f *folder) tree() []*folder {
	all := []*folder{f}
	for _, sub := range f.subs {
		all = append(all, sub.tree()...)
	}
	return all
}

// find returns the folder that a path of a job lies in, or nil; the watcher is locked.
func (f *folder) find(path string) *folder {
	for name, rest, deeper := strings.Cut(path, "/"); deeper && f != nil; name, rest, deeper = strings.Cut(rest, "/") {
		f = f.subs[name]
	}
	return f
}

// states returns the states of the folders of some jobs: of a tree, the worst state of its directories, with what is
// pending in all of them.
func (w *Watcher) states(jobs iter.Seq[string]) (all []events.WatchState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range jobs {
		f := w.folders[id]
		if f == nil {
			if state, ok := w.elsewhereState(id); ok {
				all = append(all, state)
			}
			continue
		}
		state := f.status()
		if state.State == "" { // no worker has had it yet
			state.JobID, state.State, state.HostPath = id, events.FolderArming, f.host
		}
		state = f.withSubs(state)
		w.held.show(&state)
		state.Place, state.Shared = w.cfg.Drives.Place(), f.task.shared
		all = append(all, state)
	}
	return all
}

// withSubs adds the states of the directories below; the watcher is locked.
func (f *folder) withSubs(state events.WatchState) events.WatchState {
	for _, sub := range f.subs {
		state = sub.withSubs(worse(state, sub.status(), sub.below))
	}
	return state
}

// worse adds the state of a directory below to that of the job.
func worse(job, sub events.WatchState, below string) events.WatchState {
	if sub.State == "" {
		return job // no worker has had it yet
	}
	if events.WorseFolder(sub.State, job.State) {
		job.State, job.Since, job.Reason = sub.State, sub.Since, sub.Reason
		if sub.Reason != "" {
			job.Reason = events.NewFile(below).Path + ": " + sub.Reason
		}
	}
	job.Pending += sub.Pending
	job.Unmarked += sub.Unmarked
	job.Looked += sub.Looked
	job.Ignored += sub.Ignored
	job.Note = cmp.Or(job.Note, sub.Note)
	job.OldestPending = earlierOf(job.OldestPending, sub.OldestPending)
	job.LastScan = earlierOf(job.LastScan, sub.LastScan)
	return job
}

// earlierOf returns the earlier of two times; the zero time is none.
func earlierOf(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
