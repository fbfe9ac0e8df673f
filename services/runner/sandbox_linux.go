package runner

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
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

// confine shuts this process in, as far as this kernel can.
func (b bounds) confine() error {
	if abi := landlockABI(); b.Sandbox && abi > 0 {
		if err := b.restrict(abi); err != nil {
			return err
		}
	}
	if b.Offline && canGoOffline() == nil {
		return denySockets()
	}
	return nil
}

func (b bounds) restrict(abi int) error {
	// The newest version that this program knows all the consequences of.
	cfg := landlock.V6
	if !b.Offline {
		cfg.HandledAccessNet = 0
	}
	var rules []landlock.Rule
	for _, r := range []struct {
		paths  []string
		access landlock.AccessFSSet
	}{{b.Run, mayRun}, {b.Read, mayRead}, {b.Write, mayWrite}, {b.Devices, ofFiles &^ ll.AccessFSExecute}} {
		for _, path := range r.paths {
			access := r.access & cfg.HandledAccessFS
			if abi < 2 {
				access &^= ll.AccessFSRefer // it cannot be granted there
			}
			info, err := os.Stat(path)
			if err != nil {
				continue // what is not there cannot be opened
			}
			if !info.IsDir() {
				access &= ofFiles // the kernel refuses what only folders can be granted
			}
			rules = append(rules, landlock.PathAccess(access, path).IgnoreIfMissing())
		}
	}
	return cfg.BestEffort().Restrict(rules...)
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
