package watcher

import (
	"sync"
	"time"
)

// hints are what the notifier has told since a worker last asked.
type hints struct {
	mu sync.Mutex
	hinted
}

type hinted struct {
	names    map[string]news   // the last that tells something of what a name holds
	marked   bool              // a marker of one of several files has come
	crowd    bool              // more names than are kept
	doubt    bool              // the directory was moved or removed
	overflow bool              // the system lost events
	again    map[string]string // generations by path: files to be run once more
}

// note changes what is hinted. It reports whether that is news.
func (h *hints) note(change func(*hinted) bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return change(&h.hinted)
}

// take empties the hints.
func (h *hints) take() hinted {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.hinted
	h.hinted = hinted{}
	return all
}

// changed makes a folder a [listener].
func (f *folder) changed(name string, how news) {
	if file, ok := f.task.watch.MarkedBy(name); ok {
		if file == "" {
			f.hints.note(func(h *hinted) bool { h.marked = true; return true })
			f.wake()
			return
		}
		name, how = file, touched
	}
	if ignored(f.subPath(name), f.task.watch) {
		return
	}
	if f.hints.note(func(h *hinted) bool { return h.add(name, how) }) {
		f.wake()
	}
}

// add takes in news of a name. It reports whether a worker must know.
func (h *hinted) add(name string, how news) bool {
	old, known := h.names[name]
	switch {
	case known:
		if how != touched {
			h.names[name] = how
		}
		return how == named && old != named
	case h.crowd:
		return false
	case h.names == nil:
		h.names = map[string]news{}
	}
	h.names[name] = how
	h.crowd = len(h.names) == maxHints
	return true
}

// hold reports whether the names still hold what they held when the hints were
// last taken, as far as the system has told.
func (h *hints) hold(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.crowd && !h.overflow && !h.doubt && h.names[name] == touched
}

func (f *folder) doubted() {
	f.hints.note(func(h *hinted) bool { h.doubt = true; return true })
	f.wake()
}

func (f *folder) overflowed() {
	f.hints.note(func(h *hinted) bool { h.overflow = true; return true })
	f.wake()
}

// heed takes in the hints.
func (f *folder) heed(now time.Time) {
	h := f.hints.take()
	f.renew(h.again)
	if f.dir.Away() {
		return
	}
	if h.doubt {
		f.dir.Doubt(now)
	}
	if h.overflow {
		f.dir.Overflowed(now)
	}
	if h.marked {
		f.dir.Doubt(now.Add(f.took)) // at most half the time is spent on scans
	}
	many := h.crowd || len(f.hinted) > maxHints
	if h.overflow || many {
		f.unname()
	}
	if many {
		f.dir.Doubt(now.Add(f.took))
		return
	}
	for name, how := range h.names {
		f.tell(name, how)
		if c := f.pending[name]; c != nil && how != named && c.due.Sub(now) <= f.rule.Quiet {
			continue // looked at soon enough
		}
		f.hinted = append(f.hinted, name)
	}
}

// tell takes in news of what a name holds.
func (f *folder) tell(name string, how news) {
	switch how {
	case named:
		f.named[name] = true
	case written:
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
