package watcher

import "golang.org/x/sys/unix"

// openFlags open nothing but the file itself, and do not wait for a FIFO's writer.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// watchLimit is the number of entries above which a folder is polled; 0 = never.
const watchLimit = 0
