package stage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lease takes a read lease. The system grants it only while no process has the file open or mapped for writing; from then
// on a process that opens it for writing waits until the lease is given back. Closing the file gives it back.
func lease(f *os.File) error {
	_, err := control(f, unix.F_SETLEASE, unix.F_RDLCK)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EAGAIN):
		return ErrWriter
	default:
		return ErrNoLease
	}
}

// Contended reports whether a process waits for the lease to be given back.
func Contended(f *os.File) bool {
	kind, err := control(f, unix.F_GETLEASE, 0)
	return err == nil && kind != unix.F_RDLCK
}

func control(f *os.File, command, argument int) (result int, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if cerr := conn.Control(func(fd uintptr) {
		result, err = unix.FcntlInt(fd, command, argument)
	}); cerr != nil {
		return 0, cerr
	}
	return result, err
}
