package drive

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pathFlags open what lies at a path without a right to read it.
const pathFlags = unix.O_PATH

const noFollow = unix.O_NOFOLLOW

// upFlags open a folder that need not be readable.
const upFlags = unix.O_PATH

// beneath opens rel below root in one step, if neither a link nor a mount is on
// the way: then the names of rel are the real ones. Else, and where the kernel
// or a container does not have the call, the error is errWalk.
func beneath(root *os.Root, rel string, flag int) (*os.File, error) {
	top, err := root.OpenFile(".", unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	conn, err := top.SyscallConn()
	if err != nil {
		return nil, err
	}
	how := unix.OpenHow{
		Flags:   uint64(flag) | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd := -1
	cerr := conn.Control(func(dir uintptr) {
		for {
			if fd, err = unix.Openat2(int(dir), rel, &how); !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
	switch {
	case cerr != nil:
		return nil, cerr
	case err == nil:
		return os.NewFile(uintptr(fd), filepath.Join(root.Name(), rel)), nil
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EXDEV), errors.Is(err, unix.EAGAIN),
		errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return nil, errWalk
	default:
		return nil, &os.PathError{Op: "openat2", Path: rel, Err: err}
	}
}
