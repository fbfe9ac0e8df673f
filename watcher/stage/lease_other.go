//go:build !linux

package stage

import "os"

// Leases exist only on Linux.
func lease(*os.File) error { return ErrNoLease }

func Contended(*os.File) bool { return false }
