//go:build linux

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/watcher"
)

// writer drops files in one of the ways there are.
type writer struct {
	*stormy
	kind int
	id   string
}

// kinds are the ways; each brings a file with a content to a path.
var kinds = []func(w *writer, path string, content []byte) error{
	(*writer).write, (*writer).temporary, (*writer).renameIn, (*writer).link,
	(*writer).slow, (*writer).reopen, (*writer).mapped, (*writer).replace,
}

// dropAll drops so many files, in all ways at once, spread over a time.
func (s *stormy) dropAll(files int, lasts time.Duration) {
	const beside = 4 // writers of one kind
	each := files / len(kinds) / beside
	var all sync.WaitGroup
	for kind := range kinds {
		for i := range beside {
			all.Go(func() {
				w := &writer{stormy: s, kind: kind, id: fmt.Sprint("w", kind, "-", i)}
				for n := range each {
					w.drop(n, mathrand.N(s.folders))
					time.Sleep(mathrand.N(2 * lasts / time.Duration(each)))
				}
			})
		}
	}
	all.Wait()
}

// drop brings one file into a folder, whatever becomes of the folder meanwhile.
func (w *writer) drop(i, folder int) {
	name := fmt.Sprintf("%s-%05d", w.id, i)
	content := make([]byte, 1+mathrand.N(8<<10))
	_, _ = rand.Read(content) // never fails
	path := filepath.Join(w.folder(folder), name)
	if err := kinds[w.kind](w, path, content); err != nil {
		w.Errorf("%s: %v", path, err)
		return
	}
	w.expect(w.must, path, content)
}

// expect enters a content that a path has, or had.
func (w *writer) expect(in map[dropped]bool, path string, content []byte) {
	var n int
	if _, err := fmt.Sscanf(filepath.Base(filepath.Dir(path)), "folder-%d", &n); err != nil {
		w.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	in[dropped{w.job(n), filepath.Base(path), digestOf(content)}] = true
}

// elsewhere writes a file beside the folders.
func (w *writer) elsewhere(content []byte) (string, error) {
	f, err := os.CreateTemp(w.dir, "elsewhere-")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	return f.Name(), errors.Join(err, f.Close())
}

// there repeats f while the folder or the file is away: it is moved and comes back.
func there(f func() error) error {
	for {
		if err := f(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func create(path string, flags int) (f *os.File, err error) {
	err = there(func() error {
		f, err = os.OpenFile(path, flags, 0o644)
		return err
	})
	return f, err
}

// write creates, writes and closes, as cp does.
func (w *writer) write(path string, content []byte) error {
	f, err := create(path, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// temporary writes under another name in the folder, and renames.
func (w *writer) temporary(path string, content []byte) error {
	if err := w.write(path+".part", content); err != nil {
		return err
	}
	return there(func() error { return os.Rename(path+".part", path) })
}

// renameIn writes elsewhere, and renames.
func (w *writer) renameIn(path string, content []byte) error {
	tmp, err := w.elsewhere(content)
	if err != nil {
		return err
	}
	return there(func() error { return os.Rename(tmp, path) })
}

// link writes elsewhere, and links.
func (w *writer) link(path string, content []byte) error {
	tmp, err := w.elsewhere(content)
	if err != nil {
		return err
	}
	err = there(func() error { return os.Link(tmp, path) })
	return errors.Join(err, os.Remove(tmp))
}

// slow has the file open for longer than its quiet period.
func (w *writer) slow(path string, content []byte) error {
	f, err := create(path, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	_, err1 := f.Write(content[:len(content)/2])
	time.Sleep(watcher.DefaultQuiet + mathrand.N(watcher.DefaultQuiet))
	_, err2 := f.Write(content[len(content)/2:])
	return errors.Join(err1, err2, f.Close())
}

// reopen closes the file and opens it again at once. When that took so long
// that the first part has been a file of its own, it may have been taken.
func (w *writer) reopen(path string, content []byte) error {
	half := content[:len(content)/2]
	if err := w.write(path, half); err != nil {
		return err
	}
	closed := time.Now()
	f, err := create(path, os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return err
	}
	if time.Since(closed) > watcher.DefaultQuiet/2 {
		w.expect(w.may, path, half)
	}
	_, err = f.Write(content[len(half):])
	return errors.Join(err, f.Close())
}

// mapped fills the file through a map that outlives its being closed.
func (w *writer) mapped(path string, content []byte) error {
	f, err := create(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	err = f.Truncate(int64(len(content)))
	m, err2 := unix.Mmap(int(f.Fd()), 0, len(content), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err := errors.Join(err, err2, f.Close()); err != nil {
		return err
	}
	time.Sleep(mathrand.N(2 * watcher.DefaultQuiet))
	copy(m, content)
	return unix.Munmap(m)
}

// replace has another file under the name first. It may have been taken by then.
func (w *writer) replace(path string, content []byte) error {
	first := append([]byte("first "), content...)
	w.expect(w.may, path, first)
	if err := w.renameIn(path, first); err != nil {
		return err
	}
	time.Sleep(mathrand.N(4 * watcher.DefaultQuiet))
	return w.renameIn(path, content)
}

// swapped has another folder at the path for a moment; the files then come
// there from the first one.
func (s *stormy) swapped(n int) {
	s.Helper()
	away := s.folder(n) + ".away"
	s.check(os.Rename(s.folder(n), away))
	s.check(os.Mkdir(s.folder(n), 0o755))
	time.Sleep(mathrand.N(300 * time.Millisecond))
	s.moveBack(away, n)
}

// deleted takes the folder away; later another comes, with the files of the first.
func (s *stormy) deleted(n int) {
	s.Helper()
	away := s.folder(n) + ".away"
	s.check(os.Mkdir(away, 0o755))
	for {
		s.moveAll(s.folder(n), away)
		if err := os.Remove(s.folder(n)); err == nil {
			break
		} else if !errors.Is(err, unix.ENOTEMPTY) {
			s.Fatal(err)
		}
	}
	time.Sleep(mathrand.N(300 * time.Millisecond))
	s.check(os.Mkdir(s.folder(n), 0o755))
	s.moveBack(away, n)
}

// moveBack moves the files in away to a folder, until writers have none left
// there. Who holds that folder open can still make one until it is gone.
func (s *stormy) moveBack(away string, n int) {
	s.Helper()
	for {
		s.moveAll(away, s.folder(n))
		if err := os.Remove(away); err == nil {
			break
		} else if !errors.Is(err, unix.ENOTEMPTY) {
			s.Fatal(err)
		}
	}
	s.moves++
}

// moveAll moves files; one whose name is taken meanwhile has been replaced.
func (s *stormy) moveAll(from, to string) {
	s.Helper()
	entries, err := os.ReadDir(from)
	s.check(err)
	for _, e := range entries {
		old := filepath.Join(from, e.Name())
		err := unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, filepath.Join(to, e.Name()), unix.RENAME_NOREPLACE)
		if errors.Is(err, fs.ErrExist) {
			err = os.Remove(old)
		}
		if !errors.Is(err, fs.ErrNotExist) { // a writer can have renamed it
			s.check(err)
		}
	}
}

func (s *stormy) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}
