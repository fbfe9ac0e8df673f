package fileid

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// At stats a name in a folder, and does not follow a link.
func At(_ *os.Root, folder *os.File, name string) (Info, error) {
	return statxIn(folder, name, unix.AT_SYMLINK_NOFOLLOW)
}

// Open stats an open file.
func Open(f *os.File) (Info, error) { return statxIn(f, "", unix.AT_EMPTY_PATH) }

// Path stats what a path leads to, and follows links.
func Path(path string) (Info, error) { return statx(unix.AT_FDCWD, path, 0) }

// Link stats what is at a path, and does not follow a link there.
func Link(path string) (Info, error) {
	return statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
}

func statxIn(f *os.File, name string, flags int) (s Info, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return Info{}, err
	}
	if cerr := conn.Control(func(fd uintptr) { s, err = statx(int(fd), name, flags) }); cerr != nil {
		return Info{}, cerr
	}
	return s, err
}

// statx is asked for rather than stat because it knows the time of birth.
func statx(fd int, name string, flags int) (Info, error) {
	var x unix.Statx_t
	for {
		err := unix.Statx(fd, name, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &x)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Info{}, fmt.Errorf("statx %q: %w", name, err)
		}
		break
	}
	s := Info{
		Stat:    Stat{Inode: x.Ino, Size: int64(x.Size), Modified: nanoseconds(x.Mtime), Changed: nanoseconds(x.Ctime)},
		Regular: x.Mode&unix.S_IFMT == unix.S_IFREG,
		Folder:  x.Mode&unix.S_IFMT == unix.S_IFDIR,
		Perm:    fs.FileMode(x.Mode) & fs.ModePerm,
		Device:  uint64(x.Dev_major)<<32 | uint64(x.Dev_minor),
	}
	if x.Mask&unix.STATX_BTIME != 0 {
		s.Birth = nanoseconds(x.Btime)
	}
	return s, nil
}

func nanoseconds(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }
