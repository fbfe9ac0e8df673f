package cell

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loadFilter binds this thread, and all that it becomes, to a seccomp program.
func loadFilter(program []byte) error {
	if len(program) == 0 {
		return nil
	}
	prog, err := asFilter(program)
	if err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(prog)), 0, 0); err != nil {
		return errors.New("seccomp: " + err.Error())
	}
	return nil
}

// loadListened does so, and gives what is asked of whoever listens to the program.
func loadListened(program []byte) (int, error) {
	prog, err := asFilter(program)
	if err != nil {
		return -1, err
	}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(prog)))
	if errno == unix.EBUSY {
		return -1, errListened
	}
	if errno != 0 {
		return -1, errors.New("seccomp: " + errno.Error())
	}
	return int(fd), nil
}

var errListened = errors.New("seccomp: somebody listens to Spool's own system calls already, as some containers do, and there cannot be two")

func asFilter(program []byte) (*unix.SockFprog, error) {
	const size = int(unsafe.Sizeof(unix.SockFilter{}))
	n := len(program) / size
	if n == 0 || n*size != len(program) || n > unix.BPF_MAXINSNS {
		return nil, errors.New("seccomp: a filter of a length that none has")
	}
	filter := make([]unix.SockFilter, n) // aligned, which the bytes need not be
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&filter[0])), len(program)), program)
	return &unix.SockFprog{Len: uint16(n), Filter: &filter[0]}, nil
}
