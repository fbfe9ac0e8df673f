package location

import (
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
	m, below, ok := mounts.of(s.Mnt_id, path)
	if !ok {
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

// fresh is how long the table of mounts is believed: the id of a mount that is
// gone is given to the next, and folders on the way to one can be renamed.
const fresh = 50 * time.Millisecond

// table is the mounts by their id. It is safe for concurrent use.
type table struct {
	mu   sync.Mutex
	at   time.Time
	byID map[string]mount
}

var mounts table

// of gives a mount by its id, and what of a path in it lies below its mount point.
func (t *table) of(id uint64, path string) (m mount, below string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := strconv.FormatUint(id, 10)
	if time.Since(t.at) < fresh {
		if m, below, ok = t.find(key, path); ok {
			return m, below, ok
		}
	}
	t.read()
	return t.find(key, path)
}

func (t *table) find(key, path string) (m mount, below string, ok bool) {
	if m, ok = t.byID[key]; ok {
		below, ok = strings.CutPrefix(path, strings.TrimSuffix(m.point, "/"))
	}
	return m, below, ok && (below == "" || below[0] == '/')
}

func (t *table) read() {
	t.at, t.byID = time.Now(), map[string]mount{}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.SplitN(line, " ", 6); len(f) == 6 { // id, parent, device, root, mount point
			t.byID[f[0]] = mount{f[2], Unescape(f[3]), Unescape(f[4])}
		}
	}
}

// Unescape takes back what the system writes for blanks in its table of mounts: \040.
func Unescape(s string) string {
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
