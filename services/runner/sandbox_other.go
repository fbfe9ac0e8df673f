//go:build !linux

package runner

import "errors"

func canSandbox() error {
	return errors.New("it is not Linux, and flows may open what the runner may open")
}
func canGoOffline() error { return errors.New("it is not Linux: the network cannot be denied") }

type cell struct{}

func (b bounds) cell() (*cell, error) { return &cell{}, nil }
func (*cell) allow(bounds) error      { return nil }
func (*cell) enter() error            { return nil }

func (b bounds) limit() {}
