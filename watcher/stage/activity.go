package stage

import (
	"sync/atomic"
	"time"
)

// Activity records when a worker last came back from a call into the file system, so that a worker that is stuck
// in one can be told from a busy one. It is safe for concurrent use.
type Activity struct{ at atomic.Int64 }

// Touch marks the worker as back from a call; the next is timed from here.
func (a *Activity) Touch() { a.at.Store(time.Now().UnixNano()) }

// Pause marks the worker as outside any file-system call.
func (a *Activity) Pause() { a.at.Store(0) }

// Silent returns how long the current call has taken, or 0 outside of one.
func (a *Activity) Silent(now time.Time) time.Duration {
	if at := a.at.Load(); at > 0 {
		return now.Sub(time.Unix(0, at))
	}
	return 0
}
