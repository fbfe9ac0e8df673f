//go:build unix

package broker

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskRoom is how many bytes a store in dir may grow to, leaving a tenth of the disk's room.
func diskRoom(dir string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return minStore
	}
	return int64(s.Bavail)*int64(s.Bsize)/10*9 + used(dir) //nolint:unconvert // the types differ between systems
}

// used counts what the store has already taken, so that a restart does not find itself smaller.
func used(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if fi, err := d.Info(); err == nil {
				sum += fi.Size()
			}
		}
		return nil // what cannot be read is not counted
	})
	return sum
}

func flock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
