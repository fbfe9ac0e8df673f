package runner

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"spool.internal/services/runner/cell"
)

// canHear says whether guards can have sockets of flows in a form wait for connections.
func (h hidden) canHear(form cell.Form) bool {
	return form.View && form.Landlock >= 6 && h.canAsk() == nil
}

// canAsk says why no guard can connect for its flow on this kernel.
func (h hidden) canAsk() error {
	if err := h.canFilter(); err != nil {
		return errors.New("this kernel has no seccomp filters")
	}
	action := uint32(unix.SECCOMP_RET_USER_NOTIF)
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	if errno != 0 || h.asks {
		return errors.New("this kernel lets nobody listen to seccomp filters (user notification)")
	}
	const pidfdThread = unix.O_EXCL // PIDFD_THREAD
	fd, err := unix.PidfdOpen(os.Getpid(), pidfdThread)
	if err != nil {
		return errors.New("it takes Linux 6.9, which can take sockets of threads (PIDFD_THREAD)")
	}
	return unix.Close(fd)
}
