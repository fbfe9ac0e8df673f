package watcher

import (
	"sync"

	"spool.internal/watcher/notify"
)

// Changed, Doubted and Overflowed implement [notify.Listener].
func (f *folder) Changed(name string, how notify.Change) {
	if file, ok := f.task.watch.MarkedBy(name); ok {
		if file == "" {
			f.requests.rescan()
			f.wake()
			return
		}
		name, how = file, notify.Touched
	}
	if ignored(f.subPath(name), f.task.watch) {
		return
	}
	if f.hints.Add(name, how) {
		f.wake()
	}
}

// Doubted: see Changed.
func (f *folder) Doubted() {
	f.hints.Doubt()
	f.wake()
}

// Overflowed: see Changed.
func (f *folder) Overflowed() {
	f.hints.Overflow()
	f.wake()
}

// changed notes what happened to a name.
func (k *work) changed(name string, how notify.Change) {
	switch how {
	case notify.Arrived:
		k.arrived[name] = true
	case notify.Written:
		delete(k.arrived, name)
		if c := k.pending[name]; c != nil {
			c.file.Written()
		}
	}
}

// distrustNames notes that something may have been written that was not reported.
func (k *work) distrustNames() {
	clear(k.arrived)
	for _, c := range k.pending {
		c.file.Written()
	}
}

// requests are what others than the system ask of a folder. It is safe for concurrent use.
type requests struct {
	mu     sync.Mutex
	marked bool              // a marker of one of several files has come
	reruns map[string]string // generations by path: files to be run once more
}

// rescan asks for a full scan: a marker has come that speaks of no file by its name.
func (r *requests) rescan() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marked = true
}

// rerun asks for a file to be run once more.
func (r *requests) rerun(path, generation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reruns == nil {
		r.reruns = map[string]string{}
	}
	r.reruns[path] = generation
}

// take returns the requests made so far, and forgets them.
func (r *requests) take() (marked bool, reruns map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	marked, reruns = r.marked, r.reruns
	r.marked, r.reruns = false, nil
	return marked, reruns
}
