//go:build !linux && !darwin

package runner

import (
	"syscall"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/reaper"
)

func spawn(program, cell.Form) (*flow, error) { return nil, reaper.ErrUnsupported }

func ownGroup() *syscall.SysProcAttr { return nil }

func asStatus(n int) syscall.WaitStatus { return syscall.WaitStatus{ExitCode: uint32(n)} }
