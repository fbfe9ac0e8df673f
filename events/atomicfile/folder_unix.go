//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// SyncFolder has the names in a folder outlive a power cut.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return synced(f, dir)
}

// SyncIn is SyncFolder for one below an open folder.
func SyncIn(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return synced(f, dir)
}

func synced(f *os.File, dir string) error {
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) { // a file system that cannot do that for folders
		err = nil
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
