package notify

import (
	"sync"
	"time"
)

// At most maxPerJob deliveries of one job are in flight: one if the last failed, so that a receiver that is down is
// only probed. Changes of state are delivered one after the other: "recovered" before "failed" would mislead.
const (
	maxPerJob = 8
	maxIdle   = 10_000 // semaphores of failing receivers that are kept
)

// semaphores keep the deliveries of one job from delaying those of others. They are safe for concurrent use.
type semaphores struct {
	width int // deliveries of one job in flight
	mu    sync.Mutex
	all   map[string]*semaphore
}

// semaphore is that of one job.
type semaphore struct {
	busy   int
	failed bool      // the last delivery that ended
	until  time.Time // the receiver asked to be left alone until then
}

// acquire takes a slot of a job. If none is free it reports whether the job's last delivery failed.
func (s *semaphores) acquire(jobID string) (acquired, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[jobID]
	if one == nil {
		one = &semaphore{}
		s.all[jobID] = one
	}
	width := s.width
	if one.failed {
		width = 1
	}
	if time.Now().Before(one.until) {
		return false, false
	}
	if one.busy >= width {
		return false, one.failed
	}
	one.busy++
	return true, one.failed
}

// release returns the slot. asked is how long the receiver asked to be left alone.
func (s *semaphores) release(jobID string, failed bool, asked time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[jobID]
	one.busy--
	one.failed = failed
	if asked > 0 {
		one.until = time.Now().Add(asked)
	}
	if one.busy == 0 && (!failed || len(s.all) > maxIdle) {
		delete(s.all, jobID)
	}
}
