package stage

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// create makes a new file below an open folder: in one call, and through no link.
func create(root *os.Root, folder *os.File, name string, perm fs.FileMode) (*os.File, error) {
	conn, err := folder.SyscallConn()
	if err != nil {
		return nil, err
	}
	how := unix.OpenHow{
		Flags: unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC, Mode: uint64(perm.Perm()),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd := -1
	if cerr := conn.Control(func(dir uintptr) { fd, err = unix.Openat2(int(dir), name, &how) }); cerr != nil {
		return nil, cerr
	}
	if err != nil { // where there is no such call, or it was interrupted
		return root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	}
	return os.NewFile(uintptr(fd), name), nil
}
