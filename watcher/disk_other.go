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

// syncAll has nothing left to do after syncFile.
func syncAll(*os.File) error { return nil }

// syncNames has the entries of a folder on the disk, where a folder can be synced.
func syncNames(folder *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return folder.Sync()
}
