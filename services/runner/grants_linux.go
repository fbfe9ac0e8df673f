package runner

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openPlain opens a file, folder or socket that no link is on the way to: where
// flows write, they could lay one.
func openPlain(path string) (*os.File, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, plain(path), &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err == unix.ELOOP {
		return nil, errors.New("a link is on the way to it: the profile has to name what it leads to")
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}
