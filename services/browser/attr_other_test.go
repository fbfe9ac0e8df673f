//go:build !linux

package browser

import "syscall"

func dieToo() *syscall.SysProcAttr { return nil }
