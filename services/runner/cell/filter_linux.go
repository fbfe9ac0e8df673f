package cell

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loadFilter binds this thread, and all that it becomes, to a seccomp program.
func loadFilter(program []byte) error {
	const size = int(unsafe.Sizeof(unix.SockFilter{}))
	n := len(program) / size
	if n == 0 {
		return nil
	}
	if n*size != len(program) || n > unix.BPF_MAXINSNS {
		return errors.New("seccomp: a filter of a length that none has")
	}
	filter := make([]unix.SockFilter, n) // aligned, which the bytes need not be
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&filter[0])), len(program)), program)
	prog := unix.SockFprog{Len: uint16(n), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0); err != nil {
		return errors.New("seccomp: " + err.Error())
	}
	return nil
}
