package fileid

import (
	"io/fs"
	"syscall"
)

func fromInfo(fi fs.FileInfo) Info {
	sys := fi.Sys().(*syscall.Stat_t)
	return Info{
		Stat: Stat{
			Inode: sys.Ino, Size: sys.Size, Birth: sys.Birthtimespec.Nano(),
			Modified: sys.Mtimespec.Nano(), Changed: sys.Ctimespec.Nano(),
		},
		Regular: fi.Mode().IsRegular(),
		Folder:  fi.IsDir(),
		Perm:    fi.Mode().Perm(),
		Device:  uint64(uint32(sys.Dev)),
	}
}
