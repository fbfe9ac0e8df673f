package watcher

import (
	"sync/atomic"
	"time"
)

// pulse tells when a worker last came back from the file system.
type pulse struct{ at atomic.Int64 }

func (p *pulse) beat() { p.at.Store(time.Now().UnixNano()) }

// rest says that what follows is no call into the file system.
func (p *pulse) rest() { p.at.Store(0) }

// silent tells how long the file system has not answered.
func (p *pulse) silent(now time.Time) time.Duration {
	if at := p.at.Load(); at > 0 {
		return now.Sub(time.Unix(0, at))
	}
	return 0
}
