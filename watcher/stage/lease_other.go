//go:build !linux

package stage

import "os"

// lease: leases exist only on Linux.
func lease(*os.File) error { return ErrNoLease }

// Contended: see lease.
func Contended(*os.File) bool { return false }
