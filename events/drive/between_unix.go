//go:build unix

package drive

import (
	"os"

	"golang.org/x/sys/unix"
)

// Rename moves a name of one open folder to a name of another; it replaces a
// file or a link that is there. Neither name is followed.
func Rename(from *os.Root, oldname string, to *os.Root, newname string) error {
	return between(&os.LinkError{Op: "rename", Old: oldname, New: newname}, from, to, func(f, t int) error { return unix.Renameat(f, oldname, t, newname) })
}

// Link gives what a name of one open folder stands for a name in another.
// Neither name is followed.
func Link(from *os.Root, oldname string, to *os.Root, newname string) error {
	return between(&os.LinkError{Op: "link", Old: oldname, New: newname}, from, to, func(f, t int) error { return unix.Linkat(f, oldname, t, newname, 0) })
}

// Move is [Rename] where the new name must be free: else the error is fs.ErrExist.
func Move(from *os.Root, oldname string, to *os.Root, newname string) error {
	return between(&os.LinkError{Op: "move", Old: oldname, New: newname}, from, to, func(f, t int) error { return moveAt(f, oldname, t, newname) })
}

// between calls f with the descriptors of two folders. fault names what is done, and is returned
// with why it failed.
func between(fault *os.LinkError, from, to *os.Root, f func(from, to int) error) error {
	if !plain(fault.Old) || !plain(fault.New) {
		fault.Err = unix.EINVAL
		return fault
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
	if fault.Err = f(int(a.Fd()), int(b.Fd())); fault.Err != nil {
		return fault
	}
	return nil
}
