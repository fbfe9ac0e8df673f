package watcher

import (
	"cmp"
	"sync"
	"time"
)

// Steps between attempts while something downstream takes nothing.
const (
	pressureFirst = 100 * time.Millisecond
	pressureMost  = 5 * time.Second
)

// pressure remembers that something downstream takes nothing now, so that
// nobody works for it in vain. A failure is forgotten when nobody has tried
// again for long: there was nothing left to do. It is safe for concurrent use.
type pressure struct {
	mu    sync.Mutex
	until time.Time
	step  time.Duration
	err   error
	most  time.Duration // the longest step; 0 = pressureMost
}

// failed takes in a failure. It reports whether it is the first since the last success.
func (p *pressure) failed(err error, now time.Time) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = p.err == nil || p.stale(now)
	if now.Before(p.until) {
		return first // others had tried at the same time
	}
	p.step = min(max(2*p.step, pressureFirst), cmp.Or(p.most, pressureMost))
	p.until, p.err = now.Add(p.step), err
	return first
}

// passed takes in a success. It reports whether there was a failure before.
func (p *pressure) passed() (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	again = p.err != nil
	p.err, p.until, p.step = nil, time.Time{}, 0
	return again
}

// wait tells how long not to try, and because of what.
func (p *pressure) wait(now time.Time) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || p.stale(now) {
		return 0, nil
	}
	return max(0, p.until.Sub(now)), p.err
}

func (p *pressure) stale(now time.Time) bool { return now.Sub(p.until) > pressureMost }
