package notify

import (
	"sync"
	"time"
)

// How many deliveries of one job may be under way at a time: a receiver whose
// last delivery failed is only probed. States of a job are told one after the
// other: "recovered" before "failed" would mislead.
const (
	maxPerJob = 8
	maxIdle   = 10_000 // failed lanes that are remembered
)

// lanes keep the deliveries of one job out of the way of the others.
type semaphores struct {
	width int // deliveries of one job at a time
	mu    sync.Mutex
	all   map[string]*semaphore
}

type semaphore struct {
	busy   int
	failed bool      // the last delivery that ended
	until  time.Time // when its receiver wants to be called again
}

// enter takes a place in the lane of a job; without a free one it reports
// whether the lane's last delivery failed.
func (s *semaphores) acquire(jobID string) (entered, failed bool) {
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

// leave gives the place back; asked is for how long the receiver wants to be left alone.
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
