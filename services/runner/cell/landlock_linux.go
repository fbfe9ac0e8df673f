package cell

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What may be done with files, in the words of Landlock. Devices cannot be made.
const (
	mayRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	mayRun   = mayRead | unix.LANDLOCK_ACCESS_FS_EXECUTE
	mayWrite = mayRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR
	ofFiles = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	useOf   = ofFiles &^ unix.LANDLOCK_ACCESS_FS_EXECUTE // of a device
)

func (a Access) rights() uint64 {
	switch a {
	case Run:
		return mayRun
	case Write:
		return mayWrite
	case Connect:
		return 0 // Landlock does not judge that
	}
	return mayRead
}

// Landlock gives the version of Landlock that this kernel has; 0 = none.
func Landlock() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// attributes is struct landlock_ruleset_attr.
type attributes struct{ files, net, scoped uint64 }

// ruleset is a Landlock domain that this thread has made and not entered yet.
type ruleset struct {
	fd      int    // -1 = there is none
	handled uint64 // what may only be done with files that a rule names
	flags   uintptr
}

// newRules makes the ruleset, as far as the form says. made is one that the runner has made; -1:
// there is none.
func newRules(r *Room, made int) (*ruleset, error) {
	abi := r.Form.Landlock
	s := &ruleset{fd: -1}
	if !r.Shut || abi == 0 {
		return s, nil
	}
	// What each version brought, up to the newest whose consequences this program knows.
	s.handled = unix.LANDLOCK_ACCESS_FS_REFER - 1
	var net, scoped uint64
	if abi >= 2 {
		s.handled |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		s.handled |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		if !r.Listen || r.Offline {
			net = unix.LANDLOCK_ACCESS_NET_BIND_TCP
		}
		if r.Offline || r.Form.Asks { // the guard connects, whom no rule of the flow binds
			net |= unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		}
	}
	if abi >= 5 {
		s.handled |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 7 && r.Form.Audited {
		s.flags = unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
	}
	if abi >= 6 {
		scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	if made >= 0 {
		s.fd = made
		return s, nil
	}
	attr := attributes{s.handled, net, scoped}
	size := unsafe.Sizeof(attr)
	switch { // an older kernel refuses what it does not know, were it all zeros or not
	case abi < 4:
		size = unsafe.Offsetof(attr.net)
	case abi < 6:
		size = unsafe.Offsetof(attr.scoped)
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return nil, errors.New("landlock: " + errno.Error())
	}
	s.fd = int(fd)
	return s, nil
}

// given is what all flows are given to use in the same way.
type given struct {
	paths  []string
	attr   uint64 // of their mounts
	access uint64
}

func (r *Room) given() []given {
	return []given{{r.Run, shared, mayRun}, {r.Read, shared, mayRead}, {r.Devices, device, useOf}}
}

// allowCommon adds the rules for what all flows need, where there is no view.
func (s *ruleset) allowCommon(r *Room) error {
	for _, g := range r.given() {
		for _, path := range g.paths {
			if err := s.allowPath(path, g.access); err != nil {
				return fault("landlock", path, err)
			}
		}
	}
	return nil
}

func (s *ruleset) allowPath(path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // what is not there cannot be opened
	}
	defer unix.Close(fd)
	return s.allow(fd, access)
}

// allow adds a rule for what a descriptor stands for.
func (s *ruleset) allow(fd int, access uint64) error {
	var info unix.Stat_t
	if s.fd < 0 || access == 0 {
		return nil
	}
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	return s.add(fd, access, info.Mode)
}

// add does so for what is known to be of a mode.
func (s *ruleset) add(fd int, access uint64, mode uint32) error {
	if s.fd < 0 {
		return nil
	}
	access &= s.handled
	if mode&unix.S_IFMT != unix.S_IFDIR {
		access &= ofFiles // the kernel refuses what only folders can be granted
	}
	attr := struct { // landlock_path_beneath_attr, which is packed: what is behind is not read
		access uint64
		parent int32
	}{access, int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(s.fd), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// enter shuts this thread in. It has no new privileges to gain already.
func (s *ruleset) enter() error {
	if s.fd < 0 {
		return nil
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(s.fd), s.flags, 0); errno != 0 {
		return errors.New("landlock: " + errno.Error())
	}
	return unix.Close(s.fd)
}
