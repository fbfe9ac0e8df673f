//go:build unix

package drive

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ident tells a file or folder from every other of this host.
type ident struct{ device, inode uint64 }

func identify(info fs.FileInfo) (ident, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ident{}, false
	}
	return ident{uint64(s.Dev), s.Ino}, true
}

// names is how many names a file has.
func names(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

// maxDepth bounds a lineage.
const maxDepth = 1000

// lineageOf goes up from an open folder, whatever names lead to it.
func lineageOf(root *os.Root) lineage {
	at, err := root.Open(".")
	if err != nil {
		return nil
	}
	var line lineage
	for range maxDepth {
		info, err := at.Stat()
		if err != nil {
			break
		}
		id, ok := identify(info)
		if !ok || len(line) > 0 && line[len(line)-1] == id {
			break // the top is above itself
		}
		line = append(line, id)
		fd, err := unix.Openat(int(at.Fd()), "..", unix.O_RDONLY|upFlags|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		_ = at.Close() // was only looked at
		if err != nil {
			return line // what is above may not be seen
		}
		at = os.NewFile(uintptr(fd), "..")
	}
	_ = at.Close() // was only looked at
	return line
}
