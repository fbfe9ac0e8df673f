package watcher

import "syscall"

// openFlags open nothing but the file itself, and do not wait for a FIFO's writer.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// watchLimit is the number of entries above which a folder is polled: kqueue
// takes an open file for each.
const watchLimit = 200
