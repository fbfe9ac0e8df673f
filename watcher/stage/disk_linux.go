package stage

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// clone makes dst share the blocks of src until one of them changes. Most file systems cannot.
func clone(dst, src *os.File) error {
	from, err := src.SyscallConn()
	if err != nil {
		return err
	}
	to, err := dst.SyscallConn()
	if err != nil {
		return err
	}
	var inner, result error
	err = from.Control(func(s uintptr) {
		inner = to.Control(func(d uintptr) { result = unix.IoctlFileClone(int(d), int(s)) })
	})
	if err != nil {
		return err
	}
	if inner != nil {
		return inner
	}
	return result
}

// syncAll flushes the whole file system of a folder to disk.
func syncAll(folder *os.File, _ func() error) error {
	conn, err := folder.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := conn.Control(func(fd uintptr) { err = unix.Syncfs(int(fd)) }); cerr != nil {
		return cerr
	}
	if err != nil {
		return fmt.Errorf("syncfs: %w", err)
	}
	return nil
}

// SyncDir flushes the entries of a folder to disk.
func SyncDir(folder *os.File) error { return folder.Sync() }
