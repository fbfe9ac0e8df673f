//go:build !linux

package machine

import "spool.internal/events"

// Inotify is not there on this system.
func Inotify(string) (watches, instances events.Usage) { return watches, instances }

// InotifyOfUser is not there on this system.
func InotifyOfUser() (watches, instances events.Usage) { return watches, instances }

// Descriptors cannot be told on this system.
func Descriptors(string) (u events.Usage) { return u }
