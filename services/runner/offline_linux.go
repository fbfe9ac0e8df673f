package runner

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// architectures are those whose system calls the filter knows.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// x32 marks the system calls of a second table on amd64; no other has numbers so high.
const x32 = 0x40000000

// Where the fields of struct seccomp_data lie.
const (
	dataNumber = 0
	dataArch   = 4
)

// canGoOffline says why this kernel cannot deny sockets.
func canGoOffline() error {
	if _, ok := architectures[runtime.GOARCH]; !ok {
		return errors.New("its system calls are not known here: the network cannot be denied on " + runtime.GOARCH)
	}
	action := uint32(unix.SECCOMP_RET_ERRNO)
	if _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action))); errno != 0 {
		return errors.New("it has no seccomp filters: the network cannot be denied")
	}
	return nil
}

// denySockets takes from this thread, and all that it becomes, the way to make a
// socket of any kind; pairs of connected ones stay. io_uring, which can make
// them too, and the calls of other architectures go with it.
func denySockets() error {
	const deny = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	jump := func(op uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | op, K: k, Jt: yes, Jf: no}
	}
	filter := []unix.SockFilter{
		load(dataArch),
		jump(unix.BPF_JEQ, architectures[runtime.GOARCH], 0, 4), // else: deny
		load(dataNumber),
		jump(unix.BPF_JGE, x32, 2, 0),
		jump(unix.BPF_JEQ, unix.SYS_SOCKET, 1, 0),
		jump(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 0, 1),
		{Code: unix.BPF_RET | unix.BPF_K, K: deny},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
