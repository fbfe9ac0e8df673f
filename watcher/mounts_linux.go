package watcher

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"spool.internal/events/location"
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
		if unix.Fstatfs(int(fd), &s) == nil {
			m.name, m.trust = settle.FileSystem(uint32(s.Type))
		}
	})
	return m
}

// realPath returns the path without links of an open directory, whatever its former path leads to by now.
func realPath(dir *os.File, path string) (real string, err error) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return "", err
	}
	cerr := conn.Control(func(fd uintptr) { real, err = os.Readlink("/proc/self/fd/" + strconv.Itoa(int(fd))) })
	if cerr != nil || err != nil { // no /proc here
		return filepath.EvalSymlinks(path)
	}
	return real, nil
}

// mounts lists where file systems are mounted, without asking any of them.
func mounts() []string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return []string{"/"}
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			all = append(all, location.Unescape(fields[4]))
		}
	}
	return all
}
