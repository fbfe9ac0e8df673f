//go:build !unix

package drive

import (
	"os"
	"path/filepath"
	"syscall"
)

// Rename moves a name of one open folder to a name of another.
func Rename(from *os.Root, oldname string, to *os.Root, newname string) error {
	if !plain(oldname) || !plain(newname) {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: syscall.EINVAL}
	}
	return os.Rename(filepath.Join(from.Name(), oldname), filepath.Join(to.Name(), newname))
}

// Move is [Rename] where the new name must be free: else the error is fs.ErrExist.
func Move(from *os.Root, oldname string, to *os.Root, newname string) error {
	if err := Link(from, oldname, to, newname); err != nil {
		return err
	}
	return from.Remove(oldname)
}

// Link gives what a name of one open folder stands for a name in another.
func Link(from *os.Root, oldname string, to *os.Root, newname string) error {
	if !plain(oldname) || !plain(newname) {
		return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: syscall.EINVAL}
	}
	return os.Link(filepath.Join(from.Name(), oldname), filepath.Join(to.Name(), newname))
}
