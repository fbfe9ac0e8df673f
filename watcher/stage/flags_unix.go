//go:build unix

package stage

import "syscall"

// openFlags open nothing but the file itself, and do not wait for a FIFO's writer.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
