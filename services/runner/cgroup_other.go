//go:build !linux

package runner

import (
	"errors"
	"syscall"
)

// Control groups exist only on Linux.
type (
	groups      struct{}
	memoryGroup struct{}
)

var errNone = errors.New("there are no control groups")

func Memory(int64) (*groups, error) { return nil, errNone }

func Processor(float64) (*groups, error) { return nil, errNone }

func (g *groups) with(int64, float64) *groups { return g }

func (g *groups) unbound() *groups { return g }

func (*groups) group() (*memoryGroup, error) { return nil, nil }

func (*memoryGroup) in(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }

func (*memoryGroup) exceeded() bool { return false }

func (*memoryGroup) close() {}
