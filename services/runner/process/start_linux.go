package process

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/services/runner/cell"
)

// Guarded says that flows have guards.
const Guarded = true

// ErrNamespaces is a fault of the launcher: this system lets it make no namespaces.
type ErrNamespaces struct{ error }

// launch starts a guard, in namespaces of its own where the form says so.
func (s *starting) launch(p Program, form cell.Form) error {
	var err error
	sys := ownGroup()
	switch {
	case form.User: // the id map has to be written by a process that is not undumpable
		s.proc, err = s.throughLauncher(p, form)
	case form.Spaces:
		sys.Cloneflags = cell.Spaces
		if s.proc, err = s.exec(p, cell.GuardArgs(), sys); err != nil {
			err = ErrNamespaces{err}
		}
	default:
		s.proc, err = s.exec(p, cell.GuardArgs(), sys)
	}
	if err != nil {
		return err
	}
	s.PID = s.proc.Pid
	go s.reapGuard()
	return nil
}

// throughLauncher starts a launcher and waits for its guard, a child of ours.
func (s *starting) throughLauncher(p Program, form cell.Form) (*os.Process, error) {
	launcher, err := s.exec(p, form.LaunchArgs(), ownGroup())
	if err != nil {
		return nil, err
	}
	_ = s.guard.SetReadDeadline(time.Now().Add(readiness))
	var news cell.News
	_, err = cell.Receive(s.guard, &news)
	_ = s.guard.SetReadDeadline(time.Time{})
	if err != nil {
		_ = launcher.Kill()
	}
	_, _ = launcher.Wait()
	if err == nil && news.Fault != "" {
		err = ErrNamespaces{errors.New(news.Fault)}
	}
	if err != nil {
		// A guard that did not come to be is a child of ours in the group of the launcher.
		for pid := 1; pid > 0; {
			pid, _ = unix.Wait4(-launcher.Pid, nil, unix.WNOHANG, nil)
		}
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	return os.FindProcess(news.PID)
}
