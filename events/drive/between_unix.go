//go:build unix

package drive

import (
	"os"

	"golang.org/x/sys/unix"
)

// Rename moves a name of one open folder to a name of another; it replaces a
// file or a link that is there. Neither name is followed.
func Rename(from *os.Root, oldname string, to *os.Root, newname string) error {
	return between("rename", from, oldname, to, newname, func(f, t int) error { return unix.Renameat(f, oldname, t, newname) })
}

// Link gives what a name of one open folder stands for a name in another.
// Neither name is followed.
func Link(from *os.Root, oldname string, to *os.Root, newname string) error {
	return between("link", from, oldname, to, newname, func(f, t int) error { return unix.Linkat(f, oldname, t, newname, 0) })
}

// Move is [Rename] where the new name must be free: else the error is fs.ErrExist.
func Move(from *os.Root, oldname string, to *os.Root, newname string) error {
	return between("move", from, oldname, to, newname, func(f, t int) error { return moveAt(f, oldname, t, newname) })
}

func between(op string, from *os.Root, oldname string, to *os.Root, newname string, f func(from, to int) error) error {
	if !plain(oldname) || !plain(newname) {
		return &os.LinkError{Op: op, Old: oldname, New: newname, Err: unix.EINVAL}
	}
	a, err := from.Open(".")
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := to.Open(".")
	if err != nil {
		return err
	}
	defer b.Close()
	if err := f(int(a.Fd()), int(b.Fd())); err != nil {
		return &os.LinkError{Op: op, Old: oldname, New: newname, Err: err}
	}
	return nil
}
