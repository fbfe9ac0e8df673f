package watcher

import (
	"sync"
	"time"

	"spool.internal/watcher/notify"
)

// requests are what others than the system ask of a folder. It is safe for concurrent use.
type requests struct {
	mu     sync.Mutex
	marked bool              // a marker of one of several files has come
	reruns map[string]string // generations by path: files to be run once more
}

// rescan asks for a full scan: a marker has come that is none of one file alone.
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

// changed, doubted and overflowed implement [listener].
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

func (f *folder) Doubted() {
	f.hints.Doubt()
	f.wake()
}

func (f *folder) Overflowed() {
	f.hints.Overflow()
	f.wake()
}

// heed takes in the hints and the requests that came since the last turn.
func (f *folder) heed(now time.Time) {
	h := f.hints.Take()
	marked, reruns := f.requests.take()
	f.renew(reruns)
	if f.dir.Away() {
		return
	}
	if h.Doubted {
		f.dir.Doubt(now)
	}
	if h.Overflowed {
		f.dir.Overflowed(now)
	}
	if marked {
		f.dir.Doubt(now.Add(f.took)) // at most half the time is spent on scans
	}
	many := h.Crowded || len(f.hinted) > notify.MaxNames
	if h.Overflowed || many {
		f.unname()
	}
	if many {
		f.dir.Doubt(now.Add(f.took))
		return
	}
	for name, how := range h.Names {
		f.tell(name, how)
		if c := f.pending[name]; c != nil && how != notify.Arrived && c.due.Sub(now) <= f.rule.Quiet {
			continue // looked at soon enough
		}
		f.hinted = append(f.hinted, name)
	}
}

// tell takes in news of what a name holds.
func (f *folder) tell(name string, how notify.Change) {
	switch how {
	case notify.Arrived:
		f.named[name] = true
	case notify.Written:
		delete(f.named, name)
		if c := f.pending[name]; c != nil {
			c.file.Written()
		}
	}
}

// unname takes in that something may have been written that was not told.
func (f *folder) unname() {
	clear(f.named)
	for _, c := range f.pending {
		c.file.Written()
	}
}
