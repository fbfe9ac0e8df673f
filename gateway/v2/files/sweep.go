package files

import (
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

const (
	abandonedAfter = time.Hour // far above Config.Idle
	maxSwept       = 10_000    // folders that are remembered
	batch          = 1024      // names that are read at once
)

// sweep removes what servers that died were receiving into a folder. The first
// PUT of this process into that folder does it; a fault is not the client's.
func (a *API) sweep(root *os.Root, folder string) {
	key := path.Join(root.Name(), folder)
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
	err := eachName(root, folder, func(name string) {
		if !strings.HasPrefix(name, upload) {
			return
		}
		name = path.Join(folder, name)
		if info, err := root.Lstat(name); err == nil && time.Since(info.ModTime()) > abandonedAfter {
			_ = root.Remove(name) // by another gateway, then
		}
	})
	if err != nil {
		a.Log.Warn("abandoned uploads cannot be removed", "error", err.Error())
	}
}

// eachName calls f with every name in a folder, in no order, a batch in memory at a time.
func eachName(root *os.Root, folder string, f func(name string)) error {
	d, err := root.Open(folder)
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
func syncFolder(root *os.Root, folder string) error {
	d, err := root.Open(folder)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // a file system that keeps names durable by itself, or not at all
	}
	return errors.Join(err, d.Close())
}
