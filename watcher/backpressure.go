package watcher

import (
	"cmp"
	"sync"
	"time"

	"spool.internal/events/wait"
)

// The wait between attempts while something downstream takes nothing.
const (
	backpressureFirst = 100 * time.Millisecond
	backpressureLast  = 5 * time.Second
)

// storeRetry is how often the store is asked again whether it takes files, once it took none.
const storeRetry = 500 * time.Millisecond

// downstream returns how long nothing can be done about the files of a folder, and why.
func (w *Watcher) downstream(f *folder, now time.Time) (longest time.Duration, why error) {
	if err := w.cfg.Bus.Held(); err != nil {
		return storeRetry, err // a stage would be built in vain
	}
	all := []*backpressure{&w.ledger, &w.intake, &f.work.staging}
	if !f.now.exempt.Load() {
		all = append(all, &f.allotted.full)
	}
	for _, p := range all {
		if wait, err := p.wait(now); err != nil && wait >= longest {
			longest, why = wait, err
		}
	}
	return longest, why
}

// backpressure remembers that something downstream takes nothing now, so that nobody works for it in vain. It forgets a
// failure that nobody has repeated for long: there was nothing left to do. It is safe for concurrent use.
type backpressure struct {
	last time.Duration // the longest wait; 0 = backpressureLast

	mu    sync.Mutex
	retry wait.Backoff
	until time.Time
	err   error
}

// failed notes a failure. It reports whether it is the first since the last success.
func (p *backpressure) failed(err error, now time.Time) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = p.err == nil || p.stale(now)
	if now.Before(p.until) {
		return first // others had tried at the same time
	}
	p.retry.First, p.retry.Last = backpressureFirst, cmp.Or(p.last, backpressureLast)
	p.until, p.err = now.Add(p.retry.Next()), err
	return first
}

// passed notes a success. It reports whether there was a failure before.
func (p *backpressure) passed() (again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	again = p.err != nil
	p.err, p.until = nil, time.Time{}
	p.retry.Reset()
	return again
}

// wait returns how long not to try, and because of what.
func (p *backpressure) wait(now time.Time) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || p.stale(now) {
		return 0, nil
	}
	return max(0, p.until.Sub(now)), p.err
}

func (p *backpressure) stale(now time.Time) bool { return now.Sub(p.until) > backpressureLast }
