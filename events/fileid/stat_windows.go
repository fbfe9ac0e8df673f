package fileid

import (
	"io/fs"
	"syscall"
)

// fromInfo has neither inode nor change time here; the time of birth stands in
// for the one, the modification time for the other.
func fromInfo(fi fs.FileInfo) Info {
	s := Info{
		Stat:    Stat{Size: fi.Size(), Modified: fi.ModTime().UnixNano(), Changed: fi.ModTime().UnixNano()},
		Regular: fi.Mode().IsRegular(),
		Folder:  fi.IsDir(),
		Perm:    fi.Mode().Perm(),
	}
	if sys, ok := fi.Sys().(*syscall.Win32FileAttributeData); ok {
		s.Birth = sys.CreationTime.Nanoseconds()
	}
	return s
}
