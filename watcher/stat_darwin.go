package watcher

import (
	"io/fs"
	"syscall"

	"spool.internal/watcher/settle"
)

// openFlags open nothing but the file itself, and do not wait for a FIFO's writer.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// watchLimit is the number of entries above which a folder is polled: kqueue
// takes an open file for each.
const watchLimit = 200

func fromInfo(fi fs.FileInfo) stat {
	sys := fi.Sys().(*syscall.Stat_t)
	return stat{
		Stat: settle.Stat{
			Inode: sys.Ino, Size: sys.Size, Birth: sys.Birthtimespec.Nano(),
			Modified: sys.Mtimespec.Nano(), Changed: sys.Ctimespec.Nano(),
		},
		regular: fi.Mode().IsRegular(),
		folder:  fi.IsDir(),
		perm:    fi.Mode().Perm(),
		device:  uint64(uint32(sys.Dev)),
	}
}
