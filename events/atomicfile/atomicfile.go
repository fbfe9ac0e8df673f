// Package atomicfile writes the files that Spool keeps for itself: keys, credentials,
// tokens, the note about its store.
//
//	err := atomicfile.Write(file, text, 0o600)  // in place of what was there
//	err := atomicfile.Create(file, text, 0o600) // fs.ErrExist if something is there
//
// # Guarantees
//
//   - A reader sees the whole new text or the whole old one, whatever happens on the
//     way. The text goes to a temporary name in the same folder, is synced and renamed,
//     and the folder is synced.
//   - When Write or Create returns nil, the file survives a power cut.
//   - Both are safe for concurrent use; the last Write wins.
//   - A process that dies on the way leaves a temporary file, which a later write of the
//     same file removes.
//
// So a file of Spool's that is empty or cut off was damaged by somebody else, and is
// never taken for one that is missing: [Damaged] makes the error that says so.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Write replaces the content of file, or creates it. Missing folders are created,
// readable by their owner only.
func Write(file string, text []byte, mode fs.FileMode) error {
	return write(file, text, mode, os.Rename)
}

// Create is Write for a file that must not exist yet: if it does, the error is
// [fs.ErrExist].
func Create(file string, text []byte, mode fs.FileMode) error {
	return write(file, text, mode, func(tmp, file string) error {
		err := os.Link(tmp, file)
		if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
			var f *os.File
			if f, err = os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode); err == nil {
				return errors.Join(f.Close(), os.Rename(tmp, file))
			}
		}
		return errors.Join(err, os.Remove(tmp))
	})
}

func write(file string, text []byte, mode fs.FileMode, name func(tmp, file string) error) error {
	dir, base := filepath.Split(file)
	if dir == "" {
		dir = "."
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	sweep(dir, base)
	tmp, err := os.CreateTemp(dir, "."+base+"-*"+ending) // readable by its owner only
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = tmp.Write(text)
	if mode != 0o600 {
		err = errors.Join(err, tmp.Chmod(mode))
	}
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = name(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error says more
		return fmt.Errorf("write %s: %w", file, err)
	}
	return SyncFolder(dir)
}

// WriteIn is Write for a name below an open folder, and never leaves that folder. The
// caller chooses the temporary name tmp; no two calls may use one at the same time.
func WriteIn(root *os.Root, tmp, name string, text []byte, mode fs.FileMode) error {
	return newIn{root, tmp, name, root.Rename}.write(text, mode)
}

// CreateIn is WriteIn for a file that must not exist yet: if it does, the error is
// [fs.ErrExist].
func CreateIn(root *os.Root, tmp, name string, text []byte, mode fs.FileMode) error {
	return newIn{root, tmp, name, func(tmp, name string) error {
		err := root.Link(tmp, name)
		if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
			var f *os.File
			if f, err = root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode); err == nil {
				return errors.Join(f.Close(), root.Rename(tmp, name))
			}
		}
		return errors.Join(err, root.Remove(tmp))
	}}.write(text, mode)
}

// newIn is a file in an open folder that gets its name once it is whole.
type newIn struct {
	root      *os.Root
	tmp, name string
	give      func(tmp, name string) error
}

func (n newIn) write(text []byte, mode fs.FileMode) error {
	f, err := n.root.OpenFile(n.tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", n.name, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = n.give(n.tmp, n.name)
	}
	if err != nil {
		_ = n.root.Remove(n.tmp) // the first error says more
		return fmt.Errorf("write %s: %w", n.name, err)
	}
	return SyncIn(n.root, path.Dir(n.name))
}

const (
	ending = ".tmp"
	old    = time.Minute // a temporary file of then is nobody's
)

// sweep takes away what writers have left that died.
func sweep(dir, base string) {
	list, _ := os.ReadDir(dir) // what cannot be read is not swept
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), "."+base+"-") || !strings.HasSuffix(e.Name(), ending) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > old {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// Damaged is the error for a file of ours that is there and cannot be what was written:
// why says what is wrong with it, remedy what a person is to do.
func Damaged(file string, text []byte, why, remedy string) error {
	if len(strings.TrimSpace(string(text))) == 0 {
		why = "it is empty"
	}
	return fmt.Errorf("%s is damaged, %s: %s", file, why, remedy)
}
