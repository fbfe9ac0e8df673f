//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"os"
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
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
