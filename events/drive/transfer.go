package drive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"spool.internal/events"
)

// Transfer moves one file to a name in another folder, also on another file system:
// there it is copied under a hidden name, synced, given its name, and then removed
// where it was. It can be cut off anywhere and begun again: the file is then at one
// of the two names, and a second [Transfer.Move] leaves it at the new one alone.
type Transfer struct {
	From    *os.Root // the folder it lies in
	Name    string   // there
	To      *os.Root // the folder it goes to
	As      string   // there
	Replace bool     // a file that has the name already; else the error is fs.ErrExist
	Aside   string   // the hidden name in To of a copy that is not whole

	Copy   func(dst *os.File) error // has dst become the file, where it is to be copied
	Synced func() error             // nil, or has the names on the disk before the original is removed
	Copied func()                   // nil, or hears that the copy is whole, under its hidden name
	Named  func()                   // nil, or hears that it has its name, and the original is there too
}

// Move moves it.
func (t Transfer) Move() error {
	if t.Landed() {
		return t.From.Remove(t.Name)
	}
	move := Move
	if t.Replace {
		move = Rename
	}
	err := move(t.From, t.Name, t.To, t.As)
	if errors.Is(err, syscall.EXDEV) {
		err = t.across()
	}
	return err
}

// Landed reports that a transfer was cut off when all that was left was to remove the
// original: what lies at the new name is the same file, or a copy on another file system.
func (t Transfer) Landed() bool {
	here, err := t.From.Lstat(t.Name)
	there, terr := t.To.Lstat(t.As)
	if err != nil || terr != nil || !here.Mode().IsRegular() || !there.Mode().IsRegular() {
		return false
	}
	if os.SameFile(here, there) {
		return names(here) > 1 // of a file system that moves by link and unlink; else both names are one
	}
	return otherSystem(here, there) && here.Size() == there.Size() && here.ModTime().Equal(there.ModTime())
}

func otherSystem(a, b fs.FileInfo) bool {
	x, ok := identify(a)
	y, too := identify(b)
	return ok && too && x.device != y.device
}

// across moves the file to another file system.
func (t Transfer) across() error {
	info, err := t.From.Lstat(t.Name)
	if err != nil {
		return err
	}
	_ = t.To.Remove(t.Aside) // of an attempt before
	dst, err := t.To.OpenFile(t.Aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o200)
	if err != nil {
		return err
	}
	err = t.Copy(dst)
	if err == nil {
		_ = dst.Chmod(info.Mode().Perm()) // some file systems have no permissions
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err == nil {
		err = t.To.Chtimes(t.Aside, info.ModTime(), info.ModTime())
	}
	if err == nil {
		hear(t.Copied)
		move := Move
		if t.Replace {
			move = Rename
		}
		err = move(t.To, t.Aside, t.To, t.As)
	}
	if err != nil {
		return errors.Join(err, gone(t.To.Remove(t.Aside)))
	}
	if t.Synced != nil {
		if err := t.Synced(); err != nil {
			return err
		}
	}
	hear(t.Named)
	return t.From.Remove(t.Name)
}

func hear(f func()) {
	if f != nil {
		f()
	}
}

// gone is the error of a removal, for which it is enough that nothing is there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// MaxNumber is how many files of one name find room in a folder.
const MaxNumber = 10_000

// Numbered is the n-th name for a file: a.pdf, a-2.pdf, a-3.pdf.
func Numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	stem, ext := events.SplitName(name)
	return fmt.Sprintf("%s-%d%s", stem, n, ext)
}
