package broker

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncAll has all that was written to the file system of a folder on the disk: one call, where a
// store can have tens of thousands of files.
func syncAll(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if unix.Syncfs(int(f.Fd())) == nil {
		return f.Close()
	}
	return errors.Join(syncFiles(dir), f.Close())
}
