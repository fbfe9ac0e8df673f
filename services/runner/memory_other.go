//go:build !linux

package runner

import (
	"errors"
	"syscall"
)

// There are no control groups but on Linux.
type (
	groups      struct{}
	memoryGroup struct{}
)

func (*program) boundMemory(int64) error { return errors.New("there are no control groups") }

func (*program) boundProcessor(float64) error { return errors.New("there are no control groups") }

func (g *groups) with(int64, float64) *groups { return g }

func (g *groups) free() *groups { return g }

func (*groups) group() (*memoryGroup, error) { return nil, nil }

func (*memoryGroup) in(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }

func (*memoryGroup) exceeded() bool { return false }

func (*memoryGroup) close() {}
