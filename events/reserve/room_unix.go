//go:build unix

package reserve

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Room tells how many bytes of the disk of a folder are free for us, and how many it has.
func Room(dir string) (free, total int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("room on the disk of %s: %w", dir, err)
	}
	block := int64(s.Bsize)                                      //nolint:unconvert // the types differ between systems
	return int64(s.Bavail) * block, int64(s.Blocks) * block, nil //nolint:unconvert // the same
}

func device(fi os.FileInfo) uint64 {
	if s, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev) //nolint:unconvert // the types differ between systems
	}
	return 0
}

// Writable says why this process cannot put files into a folder.
func Writable(dir string) error {
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("write into %s: %w", dir, err)
	}
	return nil
}
