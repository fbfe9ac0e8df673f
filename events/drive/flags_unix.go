//go:build unix && !linux

package drive

import "syscall"

const (
	noFollow = syscall.O_NOFOLLOW
	nonBlock = syscall.O_NONBLOCK
	upFlags  = 0
)
