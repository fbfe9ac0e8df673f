//go:build linux || darwin

package process

import (
	"errors"
	"os"
	"syscall"

	"spool.internal/services/runner/cell"
)

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// asStatus reads a status that wait(2) gave another process.
func asStatus(n int) syscall.WaitStatus { return syscall.WaitStatus(n) }

// socketPair makes two connected sockets, ours for the poller of this program.
func socketPair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		return nil, nil, errors.Join(err, syscall.Close(fds[0]), syscall.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs"), nil
}

// starting is what a flow is made of while its processes are started.
type starting struct {
	*Flow
	given []*os.File // what they get, as descriptors 0, 1, 2, …
}

// open makes the pipes and sockets of a flow; guarded says that it has a guard.
func (s *starting) open(guarded bool) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	s.given = append(s.given, null)
	output, prints, err := os.Pipe()
	if err != nil {
		return err
	}
	s.output = output
	s.given = append(s.given, prints, prints)
	if guarded {
		ours, theirs, err := socketPair()
		if err != nil {
			return err
		}
		s.guard = ours
		s.given = append(s.given, theirs)
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	s.control = ours
	s.given = append(s.given, theirs)
	return nil
}

func (s *starting) closeGiven() {
	for _, f := range s.given {
		_ = f.Close() // the output is there twice
	}
}

// abandon closes everything when no process was started.
func (s *starting) abandon() {
	for _, f := range []*os.File{s.output, s.control, s.guard} {
		if f != nil {
			_ = f.Close()
		}
	}
	s.memory.Close()
}

// exec starts a process with what is given, in a group of its own.
func (s *starting) exec(p Program, args []string, sys *syscall.SysProcAttr) (*os.Process, error) {
	return os.StartProcess(p.Path, args, &os.ProcAttr{Dir: "/", Env: cell.Environment, Files: s.given, Sys: s.memory.In(sys)})
}

// spawn starts the processes of a flow; the last of them waits for its room.
func spawn(p Program, form cell.Form) (*Flow, error) {
	s := &starting{Flow: &Flow{exited: make(chan struct{}), gone: make(chan struct{})}}
	err := s.open(Guarded)
	defer s.closeGiven()
	if err == nil {
		s.memory, err = p.Groups.New()
	}
	if err == nil {
		err = s.launch(p, form)
	}
	if err != nil {
		s.abandon()
		return nil, err
	}
	return s.Flow, nil
}
