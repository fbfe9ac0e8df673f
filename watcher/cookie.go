package watcher

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

// cookies prove that everything that the system had to report of the
// directories of a shard has been told: a file is made in a folder of one's own
// that the same system's watcher watches, and its report, which stands in the
// same queue behind all that came before, is waited for.
type cookies struct {
	dir string // empty where there is none

	mu      sync.Mutex
	next    int
	waiting map[string]chan struct{}
}

// cookiePatience is how long a report is waited for. It takes microseconds,
// unless the queue has overflowed or the pump has much to do.
const cookiePatience = 250 * time.Millisecond

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

// cookiesOf is how the folders of a process begin.
func cookiesOf(pid int) string { return "spool-cookies-" + strconv.Itoa(pid) + "-" }

// removeStaleCookies removes what watchers left that were killed. One that is
// taken from a living watcher, of another container, costs its files the quiet time.
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

// heard takes in that a file was reported in the folder.
func (c *cookies) heard(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if told, ok := c.waiting[name]; ok {
		close(told)
		delete(c.waiting, name)
	}
}

// pass waits until everything that happened before it has been told. It answers
// false when that cannot be known.
func (c *cookies) pass() bool {
	if c.dir == "" {
		return false
	}
	told := make(chan struct{})
	c.mu.Lock()
	c.next++
	name := strconv.Itoa(c.next)
	c.waiting[name] = told
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, name)
	}()
	path := filepath.Join(c.dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o600)
	if err != nil {
		return false
	}
	_ = f.Close()         // was not written to
	defer os.Remove(path) //nolint:errcheck // one that stays is empty, and goes with its folder
	late := time.NewTimer(cookiePatience)
	defer late.Stop()
	select {
	case <-told:
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
