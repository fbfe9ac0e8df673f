package notify

import "sync"

// MaxNames is how many names a buffer keeps; when more are reported, a scan costs less.
const MaxNames = 4096

// Hints are what was reported about one directory since they were last taken.
type Hints struct {
	Names      map[string]Change // the last that says something of what a name holds
	Crowded    bool              // more names than are kept
	Doubted    bool              // the directory itself was moved or removed
	Overflowed bool              // the system lost reports
}

// Buffer collects the hints about one directory until a worker takes them. It is safe for concurrent use; its zero
// value is empty.
type Buffer struct {
	mu    sync.Mutex
	hints Hints
}

// Add records what happened to a name, and reports whether a worker must know.
func (b *Buffer) Add(name string, how Change) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := &b.hints
	old, known := h.Names[name]
	switch {
	case known:
		if how != Touched {
			h.Names[name] = how
		}
		return how == Arrived && old != Arrived
	case h.Crowded:
		return false
	case h.Names == nil:
		h.Names = map[string]Change{}
	}
	h.Names[name] = how
	h.Crowded = len(h.Names) == MaxNames
	return true
}

// Doubt records that the directory itself was moved or removed.
func (b *Buffer) Doubt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hints.Doubted = true
}

// Overflow records that the system lost reports.
func (b *Buffer) Overflow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hints.Overflowed = true
}

// Take returns the hints collected so far, and empties the buffer.
func (b *Buffer) Take() Hints {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.hints
	b.hints = Hints{}
	return all
}

// Unwritten reports whether nothing was written under a name since the hints were last taken, by all that was reported.
func (b *Buffer) Unwritten(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := &b.hints
	return !h.Crowded && !h.Overflowed && !h.Doubted && h.Names[name] == Touched
}
