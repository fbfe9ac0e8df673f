//go:build !linux

package runner

import "time"

// sinceBoot is a clock that nobody sets, and that goes on while this process is stopped.
func sinceBoot() time.Duration { return time.Since(began) }

var began = time.Now()
