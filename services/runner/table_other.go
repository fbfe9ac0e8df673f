//go:build !linux && !darwin

package runner

import (
	"errors"
	"syscall"
)

var errUnsupported = errors.New("this system cannot run flows: use Linux or macOS; on Windows, run spool inside WSL 2")

func supported() error { return errUnsupported }

func bootID() string                          { return "" }
func lookup(int) (process, bool, error)       { return process{}, false, errUnsupported }
func group(int) ([]process, error)            { return nil, errUnsupported }
func carries(int, []string) bool              { return false }
func orphans(int, []string) []int             { return nil }
func signalGroup(int, syscall.Signal) error   { return errUnsupported }
func signalProcess(int, syscall.Signal) error { return errUnsupported }

const endFlow = syscall.SIGTERM

func isGuard(int) bool { return false }
