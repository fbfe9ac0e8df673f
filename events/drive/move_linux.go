package drive

import (
	"errors"

	"golang.org/x/sys/unix"
)

// moveAt renames to a name that must be free. File systems that cannot say so in
// one step get a link, and lose the old name.
func moveAt(from int, oldname string, to int, newname string) error {
	err := unix.Renameat2(from, oldname, to, newname, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return linkMove(from, oldname, to, newname)
	}
	return err
}
