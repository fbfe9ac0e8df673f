//go:build !unix

package reserve

import (
	"errors"
	"os"
)

// Room is not known on this system.
func Room(string) (free, total int64, err error) { return 0, 0, errors.ErrUnsupported }

func device(os.FileInfo) uint64 { return 0 }

// Writable says only whether a folder is there on this system.
func Writable(dir string) error {
	_, err := os.Stat(dir)
	return err
}
