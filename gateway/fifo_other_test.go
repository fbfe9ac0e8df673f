//go:build !unix

package gateway_test

import "errors"

// Spool serves on these systems inside WSL 2 only; the tests say so there.
func mkfifo(string) error { return errors.New("this system has no named pipes in folders") }
