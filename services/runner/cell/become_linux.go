package cell

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// become makes this thread the flow's user and takes all capabilities from it,
// for good.
func (f Form) become() error {
	if !f.Drop && !f.As && !f.User {
		return nil
	}
	// Where the right to give them up is lacking there are none, or exec gives none to
	// a user who may gain nothing.
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	const noRoot, noRootLocked = 1, 2 // SECBIT_NOROOT: that a user is root is no reason for capabilities
	_ = unix.Prctl(unix.PR_SET_SECUREBITS, noRoot|noRootLocked, 0, 0, 0)
	for which := range uintptr(64) {
		if unix.Prctl(unix.PR_CAPBSET_DROP, which, 0, 0, 0) == unix.EINVAL {
			break
		}
	}
	if f.As {
		if errno := becomeUser(f.UID, f.GID); errno != 0 {
			return errors.New("the flow's user: " + errno.Error())
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return errors.New("capabilities: " + err.Error())
	}
	return nil
}

// becomeUser makes this thread alone another user, as package syscall does not.
func becomeUser(uid, gid int) syscall.Errno {
	group := uint32(gid)
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETGROUPS, 1, uintptr(unsafe.Pointer(&group)), 0); errno != 0 {
		return errno
	}
	for _, id := range [][2]uintptr{{unix.SYS_SETRESGID, uintptr(gid)}, {unix.SYS_SETRESUID, uintptr(uid)}} {
		if _, _, errno := syscall.RawSyscall(id[0], id[1], id[1], id[1]); errno != 0 {
			return errno
		}
	}
	return 0
}
