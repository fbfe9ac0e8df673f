package browser

import "syscall"

// dieToo has a child end when this process does, however it does.
func dieToo() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
