//go:build !linux

package watcher

import (
	"errors"
	"os"
	"runtime"
)

// clone is of Linux only.
func clone(_, _ *os.File) error { return errors.ErrUnsupported }

// syncFile has a file on the disk.
func syncFile(f *os.File) error { return f.Sync() }

// syncAll does it one by one.
func syncAll(_ *os.File, each func() error) error { return each() }

// syncNames has the entries of a folder on the disk, where a folder can be synced.
func syncNames(folder *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return folder.Sync()
}
