//go:build !linux && !darwin

package process

import (
	"syscall"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/reaper"
)

func spawn(Program, cell.Form) (*Flow, error) { return nil, reaper.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }

func asStatus(n int) syscall.WaitStatus { return syscall.WaitStatus{ExitCode: uint32(n)} }
