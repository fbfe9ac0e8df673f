//go:build unix

package drive

import "golang.org/x/sys/unix"

func linkMove(from int, oldname string, to int, newname string) error {
	if err := unix.Linkat(from, oldname, to, newname, 0); err != nil {
		return err
	}
	return unix.Unlinkat(from, oldname, 0)
}
