//go:build linux || darwin

package reaper

import "syscall"

// supported says why flows cannot be started on this system.
func supported() error { return nil }

// SignalGroup sends a signal to a whole process group; signal 0 only checks that it exists.
func SignalGroup(pgid int, sig syscall.Signal) error { return syscall.Kill(-pgid, sig) }

func signalProcess(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }
