package cell

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// birth is the beginning of a process that becomes the flow. It is a copy of the guard with one
// thread and without Go's runtime, so all that it needs is made before, by [newBirth].
type birth struct {
	control, ready uintptr // descriptors: of the runner, and of the guard

	limits    []limit
	argv, env []*byte

	said   string                // before the reason why it cannot be executed
	why    [lastErrno + 1]string // those reasons
	signal uint64                // those that the flow has blocked
}

// limit is one of setrlimit(2).
type limit struct {
	which int
	to    syscall.Rlimit
}

const lastErrno = 133

// Descriptors of the process, beside the standard three.
const (
	bornControl = iota + 3
	bornReady
	bornLast
)

func newBirth(cmd *Command, limits Limits, control *os.File, ready int) (*birth, error) {
	if len(cmd.Argv) == 0 {
		return nil, errWire
	}
	b := &birth{control: control.Fd(), ready: uintptr(ready), limits: limits.list(), said: cmd.Argv[0] + ": "}
	for i := range b.why {
		b.why[i] = syscall.Errno(i).Error()
	}
	var err, fault error
	b.argv, err = syscall.SlicePtrFromStrings(cmd.Argv)
	b.env, fault = syscall.SlicePtrFromStrings(cmd.Env)
	return b, errors.Join(err, fault)
}

// start starts the process, by the thread that it is to be like.
func (b *birth) start() (pid int, err error) {
	all := ^uint64(0) // a handler of Go's cannot run there
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&b.signal)), unsafe.Sizeof(all), 0, 0)
	id, errno := b.fork()
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.signal)), 0, unsafe.Sizeof(all), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(id), nil
}

// fork makes the process, in which it does not return. From here on nothing may need Go's runtime,
// not even a larger stack.
//
//go:norace
//go:nosplit
//go:noinline
func (b *birth) fork() (pid uintptr, errno syscall.Errno) {
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 && errno == 0 {
		b.live()
	}
	return pid, errno
}

// live waits until the guard is ready and the runner gives the word, and becomes the flow.
//
//go:norace
//go:nosplit
//go:noinline
func (b *birth) live() {
	var is, none struct {
		handler, flags, restorer uintptr
		mask                     uint64
	}
	for sig := uintptr(1); sig <= 64; sig++ { // what is ignored stays so
		_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&is)), 8, 0, 0)
		if is.handler > 1 {
			_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&none)), 0, 8, 0, 0)
		}
	}
	_, _, _ = syscall.RawSyscall(unix.SYS_SETPGID, 0, 0, 0)
	_, _, _ = syscall.RawSyscall(unix.SYS_DUP3, b.control, bornControl, unix.O_CLOEXEC)
	_, _, _ = syscall.RawSyscall(unix.SYS_DUP3, b.ready, bornReady, unix.O_CLOEXEC)
	_, _, _ = syscall.RawSyscall(unix.SYS_CLOSE_RANGE, bornLast, 1<<31-1, 0) // where it is not there, exec closes them
	await(bornReady, 1)
	await(bornControl, 4) // an [Open] has no more
	for i := range b.limits {
		l := &b.limits[i]
		_, _, _ = syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, uintptr(l.which), uintptr(unsafe.Pointer(&l.to)), 0, 0, 0)
	}
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.signal)), 0, 8, 0, 0)
	b.exec()
}

// await reads so many bytes, and ends the process when nobody is left to send them.
//
//go:norace
//go:nosplit
func await(fd, bytes uintptr) {
	var into [4]byte
	for bytes > 0 {
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&into)), bytes)
		switch {
		case errno == unix.EINTR:
		case errno != 0 || n == 0:
			die(1)
		default:
			bytes -= n
		}
	}
}

// exec becomes the flow, or says why it cannot.
//
//go:norace
//go:nosplit
func (b *birth) exec() {
	_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(b.argv[0])), uintptr(unsafe.Pointer(&b.argv[0])), uintptr(unsafe.Pointer(&b.env[0])))
	for tries := 0; errno == unix.ETXTBSY && tries < busyTries; tries++ {
		wait := unix.Timespec{Nsec: int64(busyWait)}
		_, _, _ = syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&wait)), 0, 0)
		_, _, errno = syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(b.argv[0])), uintptr(unsafe.Pointer(&b.argv[0])), uintptr(unsafe.Pointer(&b.env[0])))
	}
	print2(b.said)
	if errno <= lastErrno {
		print2(b.why[errno])
	}
	print2("\n")
	if errno == unix.ENOENT {
		die(noProgram)
	}
	die(notExecuted)
}

//go:norace
//go:nosplit
func print2(text string) {
	_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, 2, uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(len(text)))
}

//go:norace
//go:nosplit
func die(status uintptr) {
	for {
		_, _, _ = syscall.RawSyscall(unix.SYS_EXIT_GROUP, status, 0, 0)
	}
}
