package watcher

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"spool.internal/watcher/settle"
)

// mountedAt asks what file system an open directory is on. If that is not known it counts as local.
func mountedAt(dir *os.File) (m mounted) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return mounted{}
	}
	_ = conn.Control(func(fd uintptr) {
		var s unix.Statfs_t
		if unix.Fstatfs(int(fd), &s) != nil {
			return
		}
		m.name = strings.TrimRight(string(s.Fstypename[:]), "\x00")
		if s.Flags&unix.MNT_LOCAL == 0 {
			m.trust = settle.Remote
		}
	})
	return m
}
