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
	names    map[string]bool
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
func (f *folder) changed(name string) {
	if ignored(name, f.task.watch.Ignore) {
		return
	}
	news := f.hints.note(func(h *hinted) bool {
		if h.names[name] || h.crowd {
			return false
		}
		if h.names == nil {
			h.names = map[string]bool{}
		}
		h.names[name] = true
		h.crowd = len(h.names) == maxHints
		return true
	})
	if news {
		f.wake()
	}
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
	if h.crowd || len(f.hinted) > maxHints {
		f.dir.Doubt(now.Add(f.took)) // at most half the time is spent on scans
		return
	}
	for name := range h.names {
		if c := f.pending[name]; c != nil && c.due.Sub(now) <= f.rule.Quiet {
			continue // looked at soon enough
		}
		f.hinted = append(f.hinted, name)
	}
}
