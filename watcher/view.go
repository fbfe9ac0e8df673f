package watcher

import (
	"spool.internal/events"
	"spool.internal/watcher/janitor"
)

// view implements [janitor.Jobs].
type view struct{ w *Watcher }

// Known is closed when every job is known.
func (v view) Known() <-chan struct{} { return v.w.loaded }

// Drives returns a path on each drive that a job has used since the start.
func (v view) Drives() []events.Path {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	all := make([]events.Path, 0, len(v.w.roots))
	for _, p := range v.w.roots {
		all = append(all, p)
	}
	return all
}

// Readable returns the folders that can be read now. Where several machines have a drive of one name, each
// for itself, what one does not find can lie on another.
func (v view) Readable() map[string]janitor.Folder {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	jobs := map[string]janitor.Folder{}
	for id, f := range v.w.folders {
		if f.several.Load() {
			continue
		}
		switch f.status().State {
		case events.FolderLive, events.FolderRescan, events.FolderPoll:
			jobs[id] = janitor.Folder{Path: f.task.path, Recursive: f.task.watch.Recursive}
		}
	}
	return jobs
}

// Watches reports whether the job has a folder here.
func (v view) Watches(jobID string) bool {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	return v.w.folders[jobID] != nil
}
