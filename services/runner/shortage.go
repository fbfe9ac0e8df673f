package runner

import (
	"errors"
	"fmt"
	"syscall"

	"spool.internal/events"
)

// isShort reports whether something failed because the system, or this process, is
// short of descriptors or memory for now.
func isShort(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// unlessShort returns the fault that err means, unless err only says that the system is short of
// something. That passes: it ends no run, and calls are asked to come again.
func unlessShort(err, fault error) error {
	if isShort(err) {
		return fmt.Errorf("for now: %w", err)
	}
	return fault
}

// cannot is the fault of a path that cannot be opened, see [unlessShort].
func (r *Runner) cannot(code events.Code, field string, p events.Path, err error) error {
	return unlessShort(err, events.Faultf(code, field, "%s %s", p, r.drives.Why(p, err)))
}
