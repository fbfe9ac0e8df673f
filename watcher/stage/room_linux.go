package stage

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// roomFor returns an error if the disk of dst has no room for a copy of src, with its holes. If that cannot be found out,
// it returns nil, and the copy is tried.
func roomFor(dst, src *os.File) error {
	from, err := src.SyscallConn()
	if err != nil {
		return nil //nolint:nilerr // it is tried
	}
	to, err := dst.SyscallConn()
	if err != nil {
		return nil //nolint:nilerr // it is tried
	}
	var file unix.Stat_t
	var disk unix.Statfs_t
	looked := os.ErrInvalid
	_ = from.Control(func(fd uintptr) { looked = unix.Fstat(int(fd), &file) })
	if looked == nil {
		_ = to.Control(func(fd uintptr) { looked = unix.Fstatfs(int(fd), &disk) })
	}
	if looked != nil {
		return nil
	}
	need, free := uint64(file.Blocks)*512, disk.Bavail*uint64(disk.Bsize)
	if need <= free {
		return nil
	}
	return fmt.Errorf("%w: it takes up %d MiB, and %d MiB are free on its drive", ErrNoRoom, need>>20, free>>20)
}
