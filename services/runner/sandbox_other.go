//go:build !linux

package runner

import "errors"

func canSandbox() error {
	return errors.New("it is not Linux, and flows may open what the runner may open")
}
func canGoOffline() error { return errors.New("it is not Linux: the network cannot be denied") }

func landlockABI() int { return 0 }

func (b bounds) confine() error { return nil }
func (b bounds) limit()         {}
