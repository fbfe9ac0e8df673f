package watcher

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"spool.internal/watcher/settle"
)

// openFlags open nothing but the file itself, and do not wait for a FIFO's writer.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// watchLimit is the number of entries above which a folder is polled; 0 = never.
const watchLimit = 0

// statAt looks at a name in a folder, without following it.
func statAt(_ *os.Root, folder *os.File, name string) (stat, error) {
	return statxIn(folder, name, unix.AT_SYMLINK_NOFOLLOW)
}

// statOpen looks at an open file.
func statOpen(f *os.File) (stat, error) { return statxIn(f, "", unix.AT_EMPTY_PATH) }

// statPath looks at what a path leads to.
func statPath(path string) (stat, error) { return statx(unix.AT_FDCWD, path, 0) }

// statLink looks at what is at a path, be it a link.
func statLink(path string) (stat, error) {
	return statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
}

func statxIn(f *os.File, name string, flags int) (s stat, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return stat{}, err
	}
	if cerr := conn.Control(func(fd uintptr) { s, err = statx(int(fd), name, flags) }); cerr != nil {
		return stat{}, cerr
	}
	return s, err
}

// statx is asked for rather than stat because it knows the time of birth.
func statx(fd int, name string, flags int) (stat, error) {
	var x unix.Statx_t
	for {
		err := unix.Statx(fd, name, flags, unix.STATX_BASIC_STATS|unix.STATX_BTIME, &x)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return stat{}, fmt.Errorf("statx %q: %w", name, err)
		}
		break
	}
	s := stat{
		Stat:    settle.Stat{Inode: x.Ino, Size: int64(x.Size), Modified: nanoseconds(x.Mtime), Changed: nanoseconds(x.Ctime)},
		regular: x.Mode&unix.S_IFMT == unix.S_IFREG,
		folder:  x.Mode&unix.S_IFMT == unix.S_IFDIR,
		perm:    fs.FileMode(x.Mode) & fs.ModePerm,
		device:  uint64(x.Dev_major)<<32 | uint64(x.Dev_minor),
	}
	if x.Mask&unix.STATX_BTIME != 0 {
		s.Birth = nanoseconds(x.Btime)
	}
	return s, nil
}

func nanoseconds(t unix.StatxTimestamp) int64 { return t.Sec*1e9 + int64(t.Nsec) }
