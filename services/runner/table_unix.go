//go:build linux || darwin

package runner

import "syscall"

func supported() error { return nil }

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// signalGroup sends a signal to all of a process group; 0 only asks whether there is one.
func signalGroup(pgid int, sig syscall.Signal) error { return syscall.Kill(-pgid, sig) }

func signalProcess(pid int, sig syscall.Signal) error { return syscall.Kill(pid, sig) }

// asStatus reads what wait(2) has given somebody else.
func asStatus(n int) syscall.WaitStatus { return syscall.WaitStatus(n) }
