//go:build linux || darwin

package runner

import "syscall"

// supported says why flows cannot be started on this system.
func supported() error { return nil }

// signalGroup sends a signal to a whole process group; signal 0 only checks that it exists.
func signalGroup(pgid int, sig syscall.Signal) error { return syscall.Kill(-pgid, sig) }

func signalProcess(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }
