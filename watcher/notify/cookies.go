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

// cookies prove that all reports about the directories of a shard have arrived. A cookie is a file created in a folder
// of ours that the same system's watcher watches; its report stands in the same queue, behind everything that happened
// before it.
type cookies struct {
	dir string // empty where there is none

	mu      sync.Mutex
	next    int
	waiting map[string]chan struct{}
}

// cookieTimeout is how long the report of a cookie is waited for. It takes microseconds, unless the queue has
// overflowed or the receiver has much to do.
const cookieTimeout = 250 * time.Millisecond

// newCookies makes the folder and has it watched.
func newCookies(watch func(path string) error) (*cookies, error) {
	dir, err := os.MkdirTemp("", cookiesOf(os.Getpid())+"*")
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err == nil {
		err = watch(dir)
	}
	if err != nil {
		return &cookies{}, fmt.Errorf("make a folder for cookies: %w", err)
	}
	return &cookies{dir: dir, waiting: map[string]chan struct{}{}}, nil
}

// cookiesOf is the prefix of the folders of a process.
func cookiesOf(pid int) string { return "spool-cookies-" + strconv.Itoa(pid) + "-" }

// removeStaleCookies removes the folders of processes that were killed. When it removes one of a living process in
// another container, files there wait for their quiet period again.
func removeStaleCookies() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "spool-cookies-*")) // the pattern is a good one
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
	if reported, ok := c.waiting[name]; ok {
		close(reported)
		delete(c.waiting, name)
	}
}

// CaughtUp waits until everything that has happened in a watched directory so far has been reported, 250 ms at most: it
// creates a cookie and waits for its report. It returns false when that cannot be known.
func (n *Notifier) CaughtUp(path string) bool {
	s := n.of(path)
	if s == nil || path == "" || s.cookies.dir == "" {
		return false
	}
	c := s.cookies
	reported := make(chan struct{})
	c.mu.Lock()
	c.next++
	name := strconv.Itoa(c.next)
	c.waiting[name] = reported
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, name)
	}()
	cookie := filepath.Join(c.dir, name)
	f, err := os.OpenFile(cookie, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o600)
	if err != nil {
		return false
	}
	_ = f.Close()           // was not written to
	defer os.Remove(cookie) //nolint:errcheck // one that stays is empty, and goes with its folder
	late := time.NewTimer(cookieTimeout)
	defer late.Stop()
	select {
	case <-reported:
		return true
	case <-late.C:
		return false
	}
}

func (c *cookies) close() error {
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}
