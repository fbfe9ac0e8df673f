package cell

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// shell is what a warm process puts around itself.
type shell struct {
	room  *Room
	view  *view // nil: it sees the host's files
	rules *ruleset

	shortage int // descriptor of how likely the kernel is to end this process when memory is short
}

// prepare puts up what does not depend on the run.
func (r *Room) prepare(rights []*os.File) (*shell, Met) {
	s := &shell{room: r}
	var met Met
	var err error
	s.shortage, _ = unix.Open("/proc/self/oom_score_adj", unix.O_RDWR|unix.O_CLOEXEC, 0)
	root, rules := takeOver(rights)
	if s.rules, err = newRules(r, rules); err != nil {
		met.Fault = err.Error()
		return s, met
	}
	if r.Form.View {
		if s.view, err = newView(r, s.rules, root); err != nil {
			met.Lacks, s.view = err.Error(), nil
		} else {
			met.View, met.Proc = true, s.view.proc >= 0
		}
	}
	if s.view == nil {
		err = s.rules.allowCommon(r)
	}
	if err != nil {
		met.Fault = err.Error()
	}
	return s, met
}

// takeOver gives what the runner has made of a room; -1: it has not.
func takeOver(rights []*os.File) (root, rules int) {
	made := [2]int{-1, -1}
	for i, f := range rights[:min(len(rights), len(made))] {
		if fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			made[i] = fd
		}
		_ = f.Close()
	}
	return made[0], made[1]
}

// enter gives the flow its places and shuts this thread in, and all that it
// becomes. The descriptors are those of [Command].
func (s *shell) enter(cmd *Command, rights []*os.File) error {
	if len(rights) < len(cmd.Places) || cmd.Dir >= len(cmd.Places) {
		return errWire
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // the working folder is this thread's
		return fault("unshare", "the working folder", err)
	}
	dir := rights[cmd.Dir]
	if s.view != nil {
		if err := s.view.enter(cmd, rights); err != nil {
			return err
		}
	}
	// The working folder has to lie in this mount namespace, else it has no name.
	switch path := cmd.Places[cmd.Dir].Path; {
	case s.view != nil:
		fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fault("open", path, err)
		}
		dir = os.NewFile(uintptr(fd), "output")
	case s.room.Form.Spaces:
		fd, _, err := again(unix.AT_FDCWD, cmd.Places[cmd.Dir], int(dir.Fd()))
		if err != nil {
			return err
		}
		dir = os.NewFile(uintptr(fd), "output")
	}
	for i, p := range cmd.Places {
		if err := s.rules.allow(int(rights[i].Fd()), p.Access.rights()); err != nil {
			return fault("landlock", p.Path, err)
		}
	}
	if err := unix.Fchdir(int(dir.Fd())); err != nil {
		return fault("chdir", cmd.Places[cmd.Dir].Path, err)
	}
	if err := s.room.Form.become(); err != nil {
		return err
	}
	if s.room.Form.Drop || s.room.Form.As {
		if err := s.room.Form.canUse(cmd.Places); err != nil {
			return err
		}
	}
	if s.room.Shut || s.room.Offline || len(s.room.Filter) > 0 || s.room.Form.Drop || s.room.Form.As {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	return s.rules.enter()
}

// filter binds this thread to the system calls of the flow. Those that are left to do
// it may make as well. What the filter asks is asked of the listener, if there is one.
func (s *shell) filter() (listener *os.File, err error) {
	pin(s.room.Limits.Processors) // a filter may keep it where it is
	if !s.room.Form.Asks && !s.room.Form.Hears {
		return nil, loadFilter(s.room.Filter)
	}
	fd, err := loadListened(s.room.Filter)
	if err == errListened && !s.room.Form.Asks { // the flow is denied what it would ask for
		return nil, loadFilter(s.room.Filter)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "listener"), nil
}

// close closes what the flow has got.
func (s *shell) close() {
	_ = unix.Close(s.shortage)
	if s.view == nil {
		return
	}
	for _, fd := range []int{s.view.root, s.view.proc} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// list gives what the kernel counts. Lowering a limit is always allowed.
func (l Limits) list() []limit {
	all := []limit{{which: unix.RLIMIT_CORE}}
	for _, lower := range []struct{ which, most int }{
		{unix.RLIMIT_FSIZE, l.FileSize},
		{unix.RLIMIT_NPROC, l.Processes},
		{unix.RLIMIT_NOFILE, l.Files},
		{unix.RLIMIT_DATA, l.Memory}, // not of addresses, which many programs reserve and never use
	} {
		var now syscall.Rlimit
		if lower.most <= 0 || syscall.Getrlimit(lower.which, &now) != nil {
			continue
		}
		to := min(uint64(lower.most), now.Max)
		all = append(all, limit{lower.which, syscall.Rlimit{Cur: to, Max: to}})
	}
	return all
}

const cpus = 1024 // as many as a set has

// pin has this thread, and all that it becomes, run on so many processors.
func pin(most int) {
	var all, some unix.CPUSet
	if most <= 0 || unix.SchedGetaffinity(0, &all) != nil || all.Count() <= most {
		return
	}
	skip := int(time.Now().UnixMicro()) % all.Count() // not all flows on the first of them
	for cpu := 0; some.Count() < most; cpu = (cpu + 1) % cpus {
		if !all.IsSet(cpu) {
			continue
		}
		if skip--; skip < 0 {
			some.Set(cpu)
		}
	}
	_ = unix.SchedSetaffinity(0, &some)
}

// highest is above all descriptors that whoever starts spool may leave open.
const highest = 1 << 16

// closeOthers closes at exec what this process was started with beyond what it needs:
// somebody may have given it to spool.
func closeOthers(last int) {
	// At exec: what Go's runtime has opened meanwhile is still in use.
	if unix.CloseRange(uint(last+1), 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := last + 1; fd < highest; fd++ { // before Linux 5.11
		syscall.CloseOnExec(fd)
	}
}

func fault(what, path string, err error) error {
	return errors.New(what + " " + path + ": " + err.Error())
}
