//go:build !linux

package watcher

import "os"

// lease is of Linux only.
func lease(*os.File) error { return errNoLease }

func broken(*os.File) bool { return false }
