//go:build !linux && !darwin

package runner

import (
	"errors"
	"syscall"
)

var errUnsupported = errors.New("this system cannot run flows: use Linux or macOS; on Windows, run spool inside WSL 2")

func supported() error { return errUnsupported }

func executable() (string, error)             { return "", errUnsupported }
func bootID() string                          { return "" }
func lookup(int) (process, bool, error)       { return process{}, false, errUnsupported }
func group(int) ([]process, error)            { return nil, errUnsupported }
func carries(int, []string) bool              { return false }
func strays(int, []string) []int              { return nil }
func ownGroup() *syscall.SysProcAttr          { return nil }
func signalGroup(int, syscall.Signal) error   { return errUnsupported }
func signalProcess(int, syscall.Signal) error { return errUnsupported }
func asStatus(n int) syscall.WaitStatus       { return syscall.WaitStatus{ExitCode: uint32(n)} }

const endFlow = syscall.SIGTERM

func isGuard(int) bool { return false }
