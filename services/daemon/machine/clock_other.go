//go:build !linux

package machine

import "time"

// Synchronized cannot be told on this system.
func Synchronized() (known, synchronized bool, within time.Duration) { return false, false, 0 }
