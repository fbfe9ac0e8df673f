package watcher

import (
	"io/fs"
	"syscall"

	"spool.internal/watcher/settle"
)

const openFlags = 0

// watchLimit is the number of entries above which a folder is polled; 0 = never.
const watchLimit = 0

// fromInfo has neither inode nor change time here; the time of birth stands in
// for the one, the modification time for the other.
func fromInfo(fi fs.FileInfo) stat {
	s := stat{
		Stat:    settle.Stat{Size: fi.Size(), Modified: fi.ModTime().UnixNano(), Changed: fi.ModTime().UnixNano()},
		regular: fi.Mode().IsRegular(),
		folder:  fi.IsDir(),
		perm:    fi.Mode().Perm(),
	}
	if sys, ok := fi.Sys().(*syscall.Win32FileAttributeData); ok {
		s.Birth = sys.CreationTime.Nanoseconds()
	}
	return s
}
