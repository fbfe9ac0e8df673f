package notify

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// cookies prove that all reports about the directories of a shard have arrived. A cookie is a file in a folder of ours
// that the same system's watcher watches. Its report, first that it was made, then that its mode was set once more,
// stands in the same queue, behind everything that happened before it.
type cookies struct {
	dir string // empty where there is none

	mu      sync.Mutex
	next    int
	free    []*cookie // nothing of them is on its way
	waiting map[string]*cookie
}

// cookie is one that is used by one caller at a time.
type cookie struct {
	file     *os.File
	reported chan struct{} // of size 1
}

// cookieTimeout is how long the report of a cookie is waited for. It takes microseconds, unless the queue has
// overflowed or the receiver has much to do.
const cookieTimeout = 250 * time.Millisecond

// cookieRoots are where a folder for cookies may be, the best first: in memory no change waits for a journal.
func cookieRoots() []string { return []string{"/dev/shm", os.TempDir()} }

// newCookies makes the folder and has it watched.
func newCookies(watch func(path string) error) (*cookies, error) {
	var faults []error
	for _, root := range cookieRoots() {
		dir, err := os.MkdirTemp(root, cookiesOf(os.Getpid())+"*")
		if err == nil {
			dir, err = filepath.EvalSymlinks(dir)
		}
		if err == nil {
			err = watch(dir)
		}
		if err == nil {
			return &cookies{dir: dir, waiting: map[string]*cookie{}}, nil
		}
		faults = append(faults, err)
	}
	return &cookies{}, fmt.Errorf("make a folder for cookies: %w", errors.Join(faults...))
}

// cookiesOf is the prefix of the folders of a process.
func cookiesOf(pid int) string { return "spool-cookies-" + strconv.Itoa(pid) + "-" }

// removeStaleCookies removes the folders of processes that were killed. When it removes one of a living process in
// another container, files there wait for their quiet period again.
func removeStaleCookies() {
	var left []string
	for _, root := range cookieRoots() {
		found, _ := filepath.Glob(filepath.Join(root, "spool-cookies-*")) // the pattern is a good one
		left = append(left, found...)
	}
	for _, dir := range left {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), "spool-cookies-"), "-")
		n, err := strconv.Atoi(pid)
		if err != nil {
			continue
		}
		if p, err := os.FindProcess(n); err == nil && errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
			_ = os.RemoveAll(dir) // when this fails the next start tries again
		}
	}
}

// returned notes the report of a cookie.
func (c *cookies) returned(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one, ok := c.waiting[name]; ok {
		delete(c.waiting, name)
		one.reported <- struct{}{}
	}
}

// send has a cookie reported.
func (c *cookies) send() (*cookie, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.free) - 1; n >= 0 {
		one := c.free[n]
		c.free = c.free[:n]
		c.waiting[filepath.Base(one.file.Name())] = one
		return one, one.file.Chmod(cookieMode)
	}
	c.next++
	name := strconv.Itoa(c.next)
	f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_CREATE|os.O_EXCL|os.O_RDONLY, cookieMode)
	if err != nil {
		return nil, err
	}
	one := &cookie{f, make(chan struct{}, 1)}
	c.waiting[name] = one
	return one, nil
}

const cookieMode = 0o600

// await waits for the report of a cookie. One that does not come in time may come later, so it is used no more.
func (c *cookies) await(one *cookie) bool {
	late := time.NewTimer(cookieTimeout)
	defer late.Stop()
	select {
	case <-one.reported:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.free = append(c.free, one)
		return true
	case <-late.C:
		c.drop(one)
		return false
	}
}

// drop takes a cookie away. One that stays is empty, and goes with its folder.
func (c *cookies) drop(one *cookie) {
	c.mu.Lock()
	delete(c.waiting, filepath.Base(one.file.Name()))
	c.mu.Unlock()
	_ = one.file.Close() // was not written to
	_ = os.Remove(one.file.Name())
}

// Ask asks whether everything that has happened in a watched directory so far has been reported. The answer, once, waits
// for that, 250 ms at most from when it is asked for; it is false when that cannot be known.
func (n *Notifier) Ask(path string) (caughtUp func() bool) {
	s := n.of(path)
	if s == nil || path == "" || s.cookies.dir == "" {
		return func() bool { return false }
	}
	one, err := s.cookies.send()
	if err != nil {
		if one != nil {
			s.cookies.drop(one)
		}
		return func() bool { return false }
	}
	return func() bool { return s.cookies.await(one) }
}

func (c *cookies) close() error {
	if c.dir == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.free {
		_ = one.file.Close() // was not written to
	}
	c.free = nil
	return os.RemoveAll(c.dir)
}
