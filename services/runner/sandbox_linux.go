package runner

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/denial"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/seccomp"
)

// wholeABI is the version of Landlock that a sandbox needs to be one: before it,
// files can be truncated that cannot be written.
const wholeABI = 3

// auditABI is the version that says what it denies in the kernel's audit (Linux 6.15).
const auditABI = 7

// hidden hides features of the kernel from the runner, so that tests can show how it does without.
type hidden struct {
	landlock int  // versions of Landlock above this are not there; 0 = hide none, -1 = there is no Landlock
	spaces   bool // namespaces cannot be made
	mounts   bool // namespaces can, but nothing mounted in them
	private  bool // no /proc and /dev/shm can be made, for what they cost
	owners   bool // no mount can show other owners
	seccomp  bool // there are no filters
	asks     bool // nobody can listen to filters
}

func (h hidden) abi() int {
	abi := cell.Landlock()
	switch {
	case h.landlock < 0:
		return 0
	case h.landlock > 0:
		return min(abi, h.landlock)
	}
	return abi
}

// canSandbox says why this kernel cannot shut flows in.
func canSandbox() error { return hidden{}.canSandbox() }

func (h hidden) canSandbox() error {
	switch abi := h.abi(); {
	case abi == 0:
		return errors.New("it has no Landlock, or not switched on (lsm=landlock,…): flows may open what the runner may open")
	case abi < wholeABI:
		return fmt.Errorf("its Landlock is version %d, and %d is needed (Linux 6.2): flows may truncate what they may not write", abi, wholeABI)
	}
	return nil
}

// canFilter says why this kernel cannot deny system calls.
func canFilter() error { return hidden{}.canFilter() }

func (h hidden) canFilter() error {
	if !seccomp.Known(runtime.GOARCH) {
		return errors.New("its system calls are not known here: the network cannot be denied on " + runtime.GOARCH)
	}
	action := uint32(unix.SECCOMP_RET_ERRNO)
	if _, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action))); errno != 0 || h.seccomp {
		return errors.New("it has no seccomp filters: the network cannot be denied")
	}
	return nil
}

// filterOf is the seccomp program of flows in a form; none where there are none.
// A strict one lets them name no files that may be others'.
func filterOf(cfg Config, form cell.Form, strict bool) ([]byte, error) {
	if cfg.hidden.canFilter() != nil {
		return nil, nil
	}
	if cfg.Sandbox == SandboxOff {
		if !cfg.Offline {
			return nil, nil
		}
		program, err := seccomp.Offline(runtime.GOARCH)
		return seccomp.Bytes(program), err
	}
	program, err := seccomp.Flow(runtime.GOARCH, seccomp.Grants{
		Unix: form.View && form.Landlock >= 6, Names: !strict || ownNames(form), Watch: !strict || form.View, OwnPIDs: form.Spaces,
		Listen: cfg.Listen, Offline: cfg.Offline, Local: cfg.local, Asked: form.Asks, Hears: form.Hears, Pinned: cfg.pinned,
	})
	return seccomp.Bytes(program), err
}

// meansOf is what the flows of a room are kept in with.
func meansOf(room cell.Room) means {
	f := room.Form
	return means{
		landlock: f.Landlock, filter: len(room.Filter) > 0, offline: room.Offline, spaces: f.Spaces, view: f.View, reaper: process.Guarded,
		root: os.Geteuid() == 0, drop: f.Drop || f.User, as: f.As,
	}
}

// formOf finds out which parts of the sandbox this kernel grants, by starting one process with all of them.
// The error is a fault; parts that are merely missing are off in the form, and lacks says why.
func formOf(p process.Program, room cell.Room, h hidden) (form cell.Form, lacks error, err error) {
	form = room.Form
	if !room.Shut {
		return form, nil, nil
	}
	form.Landlock = h.abi()
	if form.Landlock >= auditABI {
		form.Audited = denial.Tells()
	}
	form.Drop = os.Geteuid() == 0 || process.HasCapabilities()
	if h.spaces {
		return form, errors.New("namespaces are hidden"), nil
	}
	form.Spaces, form.User, form.View = true, !process.HasCapability(unix.CAP_SYS_ADMIN), !h.mounts
	form.Proc, form.Shm = form.View && !h.private, form.View && !h.private
	room.Form = form
	f, err := process.Start(p, room)
	if why, ok := errors.AsType[process.ErrNamespaces](err); ok {
		form.Spaces, form.User, form.View, form.Proc, form.Shm = false, false, false, false, false
		return form, fmt.Errorf("namespaces cannot be made: %w", why), nil
	}
	if err != nil {
		return form, nil, err
	}
	f.Discard()
	form.View, form.Proc, form.Shm = f.Met.View, f.Met.Proc, form.Shm && f.Met.View
	switch {
	case h.mounts:
		lacks = errors.New("mounts are hidden")
	case !form.View:
		lacks = errors.New("a root of its own cannot be mounted: " + f.Met.Lacks)
	default:
		form.Hears = !room.Listen && !room.Offline && h.canHear(form)
	}
	return form, lacks, nil
}
