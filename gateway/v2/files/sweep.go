package files

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"spool.internal/events"
)

const (
	abandonedAfter = time.Hour // far above Config.Idle
	maxSwept       = 10_000    // folders that are remembered
	batch          = 1024      // names that are read at once
)

// sweep removes what servers that died were receiving into a folder. The first
// PUT of this process into that folder does it; a fault is not the client's.
func (a *API) sweep(dir *os.Root, key string) {
	a.mu.Lock()
	done := a.swept[key]
	if len(a.swept) >= maxSwept {
		clear(a.swept)
	}
	a.swept[key] = true
	a.mu.Unlock()
	if done {
		return
	}
	err := eachName(dir, func(name string) {
		if !strings.HasPrefix(name, events.UploadPrefix) {
			return
		}
		if info, err := dir.Lstat(name); err == nil && time.Since(info.ModTime()) > abandonedAfter {
			_ = dir.Remove(name) // by another gateway, then
		}
	})
	if err != nil {
		a.Log.Warn("abandoned uploads cannot be removed", "error", err.Error())
	}
}

// eachName calls f with every name in a folder, in no order, a batch in memory at a time.
func eachName(dir *os.Root, f func(name string)) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(batch)
		for _, name := range names {
			f(name)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // a file system that keeps names durable by itself, or not at all
	}
	return errors.Join(err, d.Close())
}
