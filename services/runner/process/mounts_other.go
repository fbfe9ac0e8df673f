//go:build !linux

package process

import "context"

// WatchMounts has nothing to do where no process has mounts of its own.
func watchMounts(context.Context, func()) {}
