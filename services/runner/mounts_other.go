//go:build !linux

package runner

import "context"

// watchMounts has nothing to do where no process has mounts of its own.
func watchMounts(context.Context, func()) {}
