package location

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// exact is the place of a folder that is there. Where /proc does not tell, the
// path without links and the identities of the parents have to do.
func exact(path string) (Location, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return Location{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written through it
	if p, ok := mounted(fd); ok {
		return p, nil
	}
	return named(path)
}

// mounted finds out where in its file system an open folder lies: its path in
// the mount that it was reached through, below what is mounted there.
func mounted(fd int) (Location, bool) {
	var s unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &s); err != nil || s.Mask&unix.STATX_MNT_ID == 0 {
		return Location{}, false
	}
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return Location{}, false
	}
	m, ok := mounts.of(s.Mnt_id)
	if !ok {
		return Location{}, false
	}
	below, ok := strings.CutPrefix(path, strings.TrimSuffix(m.point, "/"))
	if !ok || below != "" && below[0] != '/' {
		return Location{}, false
	}
	real := strings.TrimSuffix(m.root, "/") + below
	if real == "" {
		real = "/"
	} else if len(real) > 1 {
		real = strings.TrimSuffix(real, "/")
	}
	return Location{dev: m.device, path: real}, true
}

// mount is one line of /proc/self/mountinfo.
type mount struct{ device, root, point string }

// fresh is how long the table of mounts is believed. The id of a mount that is
// gone can be given to another.
const fresh = 200 * time.Millisecond

// table is the mounts by their id. It is safe for concurrent use.
type table struct {
	mu   sync.Mutex
	read time.Time
	byID map[uint64]mount
}

var mounts table

func (t *table) of(id uint64) (mount, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.byID[id]; ok && time.Since(t.read) < fresh {
		return m, true
	}
	t.read, t.byID = time.Now(), map[uint64]mount{}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return mount{}, false
	}
	for line := range strings.Lines(string(text)) {
		var id, parent uint64
		var m mount
		if n, _ := fmt.Sscanf(line, "%d %d %s %s %s", &id, &parent, &m.device, &m.root, &m.point); n == 5 {
			m.root, m.point = unescape(m.root), unescape(m.point)
			t.byID[id] = m
		}
	}
	m, ok := t.byID[id]
	return m, ok
}

// unescape takes back what the system writes for blanks: \040.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// OfFile is [Of] for a folder that is open, whatever its path leads to by now.
func OfFile(dir *os.File, path string) (p Location, err error) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return Location{}, err
	}
	ok := false
	if err := conn.Control(func(fd uintptr) { p, ok = mounted(int(fd)) }); err == nil && ok {
		return p, nil
	}
	return Of(path)
}
