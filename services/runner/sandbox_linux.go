package runner

import (
	"errors"
	"fmt"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// wholeABI is the version of Landlock that a sandbox needs to be one: before it,
// files can be truncated that cannot be written.
const wholeABI = 3

// What may be done with files, in the words of Landlock. Devices cannot be made.
const (
	mayRead  = ll.AccessFSReadFile | ll.AccessFSReadDir
	mayRun   = mayRead | ll.AccessFSExecute
	mayWrite = mayRead | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSRefer |
		ll.AccessFSMakeReg | ll.AccessFSMakeDir | ll.AccessFSMakeSym | ll.AccessFSMakeFifo | ll.AccessFSMakeSock |
		ll.AccessFSRemoveFile | ll.AccessFSRemoveDir
	ofFiles = ll.AccessFSReadFile | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSExecute
)

func landlockABI() int {
	v, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return v
}

// canSandbox says why this kernel cannot shut flows in.
func canSandbox() error {
	switch abi := landlockABI(); {
	case abi == 0:
		return errors.New("it has no Landlock, or not switched on (lsm=landlock,…): flows may open what the runner may open")
	case abi < wholeABI:
		return fmt.Errorf("its Landlock is version %d, and %d is needed (Linux 6.2): flows may truncate what they may not write", abi, wholeABI)
	}
	return nil
}

// cell is a sandbox that this process has made and not entered yet.
type cell struct {
	bounds  bounds
	ruleset int    // descriptor; -1 = there is no sandbox
	handled uint64 // what may only be done with files that a rule names
}

// cell makes the sandbox, as far as this kernel can, with what all flows need.
func (b bounds) cell() (*cell, error) {
	c := &cell{bounds: b, ruleset: -1}
	abi := landlockABI()
	if !b.Sandbox || abi == 0 {
		return c, nil
	}
	// What each version brought, up to the newest whose consequences this program knows.
	c.handled = ll.AccessFSRefer - 1
	var net, scoped uint64
	if abi >= 2 {
		c.handled |= ll.AccessFSRefer
	}
	if abi >= 3 {
		c.handled |= ll.AccessFSTruncate
	}
	if abi >= 4 && b.Offline {
		net = ll.AccessNetBindTCP | ll.AccessNetConnectTCP
	}
	if abi >= 5 {
		c.handled |= ll.AccessFSIoctlDev
	}
	if abi >= 6 {
		scoped = ll.ScopeAbstractUnixSocket | ll.ScopeSignal
	}
	var err error
	c.ruleset, err = ll.LandlockCreateRuleset(&ll.RulesetAttr{HandledAccessFS: c.handled, HandledAccessNet: net, Scoped: scoped}, 0)
	if err != nil {
		return nil, fmt.Errorf("landlock: %w", err)
	}
	return c, c.allow(b)
}

// allow adds what may be opened.
func (c *cell) allow(b bounds) error {
	if c.ruleset < 0 {
		return nil
	}
	for _, r := range []struct {
		paths  []string
		access uint64
	}{{b.Run, mayRun}, {b.Read, mayRead}, {b.Write, mayWrite}, {b.Devices, ofFiles &^ ll.AccessFSExecute}} {
		for _, path := range r.paths {
			if err := c.rule(path, r.access&c.handled); err != nil {
				return fmt.Errorf("landlock: %s: %w", path, err)
			}
		}
	}
	return nil
}

func (c *cell) rule(path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // what is not there cannot be opened
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= ofFiles // the kernel refuses what only folders can be granted
	}
	return ll.LandlockAddPathBeneathRule(c.ruleset, &ll.PathBeneathAttr{ParentFd: fd, AllowedAccess: access}, 0)
}

// enter shuts this thread in, and all that it becomes.
func (c *cell) enter() error {
	if c.ruleset >= 0 {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		if err := ll.LandlockRestrictSelf(c.ruleset, 0); err != nil {
			return fmt.Errorf("landlock: %w", err)
		}
	}
	if c.bounds.Offline && canGoOffline() == nil {
		return denySockets()
	}
	return nil
}

// limit sets what the kernel counts. Lowering a limit is always allowed.
func (b bounds) limit() {
	for which, most := range map[int]uint64{
		unix.RLIMIT_FSIZE: b.Limits.FileSize, unix.RLIMIT_NPROC: b.Limits.Processes, unix.RLIMIT_NOFILE: b.Limits.Files,
	} {
		lower(which, most)
	}
	_ = syscall.Setrlimit(unix.RLIMIT_CORE, &syscall.Rlimit{})
}

func lower(which int, most uint64) {
	var now syscall.Rlimit
	if most == 0 || syscall.Getrlimit(which, &now) != nil {
		return
	}
	most = min(most, now.Max)
	_ = syscall.Setrlimit(which, &syscall.Rlimit{Cur: most, Max: most})
}
