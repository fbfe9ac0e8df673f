//go:build !linux

package stage

import (
	"errors"
	"os"
	"runtime"
)

// clone: blocks are shared only on Linux.
func clone(_, _ *os.File) error { return errors.ErrUnsupported }

// syncAll flushes one file after the other.
func syncAll(_ *os.File, each func() error) error { return each() }

// SyncDir flushes the entries of a folder to disk, where a folder can be synced.
func SyncDir(folder *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return folder.Sync()
}
