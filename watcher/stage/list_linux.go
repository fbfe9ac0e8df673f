package stage

import (
	"os"

	"golang.org/x/sys/unix"
)

// List opens the folder once more, to read the names in it. It does not go through the root: of a folder that was opened
// there, package os stats each name, also of files that are known.
func (o *Folder) List() (*os.File, error) {
	conn, err := o.Dir.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	if cerr := conn.Control(func(dir uintptr) {
		fd, err = unix.Openat(int(dir), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}); cerr != nil {
		return nil, cerr
	}
	if err != nil { // it may have been interrupted
		return o.Root.Open(".")
	}
	return os.NewFile(uintptr(fd), o.Dir.Name()), nil
}
