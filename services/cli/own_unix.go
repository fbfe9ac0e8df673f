//go:build unix

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ownFolder refuses a data folder into which somebody else could have put an address.
func ownFolder(root *os.Root, folder string) error {
	d, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	defer d.Close()
	uid, mode, err := stat(d)
	switch {
	case err != nil:
		return fmt.Errorf("data: %w", err)
	case uid != os.Geteuid():
		return failure(Unauthorized, "%s belongs to another user (uid %d): whoever owns it could name any address; run this as that user, or give --url and --token-file", folder, uid)
	case mode&0o022 != 0:
		return failure(Unauthorized, "%s can be written by others (mode %04o), who could name any address: chmod go-w it, or give --url and --token-file", folder, mode)
	}
	return nil
}

// ownFile refuses a file that somebody else could have written.
func ownFile(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	uid, mode, err := stat(f)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || uid != os.Geteuid() || mode&0o022 != 0 {
		return failure(Unauthorized, "it is not a file of yours alone (uid %d, mode %04o)", uid, mode)
	}
	return nil
}

func stat(f *os.File) (uid int, mode fs.FileMode, err error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return 0, 0, err
	}
	return int(s.Uid), fs.FileMode(s.Mode & 0o7777), nil
}

// hold locks a file for as long as this process lives or has it open.
func hold(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// isHeld reports whether another process holds a file.
func isHeld(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err // closing it gives it back
}
