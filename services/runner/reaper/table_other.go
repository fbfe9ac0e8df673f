//go:build !linux && !darwin

package reaper

import (
	"errors"
	"syscall"
)

var ErrUnsupported = errors.New("this system cannot run flows: use Linux or macOS; on Windows, run spool inside WSL 2")

func supported() error { return ErrUnsupported }

func bootID() string                          { return "" }
func Lookup(int) (Process, bool, error)       { return Process{}, false, ErrUnsupported }
func Group(int) ([]Process, error)            { return nil, ErrUnsupported }
func carries(int, []string) bool              { return false }
func orphans(int, []string) []int             { return nil }
func SignalGroup(int, syscall.Signal) error   { return ErrUnsupported }
func signalProcess(int, syscall.Signal) error { return ErrUnsupported }

const endFlow = syscall.SIGTERM

func isGuard(int) bool { return false }
