//go:build !linux

package stage

import (
	"io/fs"
	"os"
)

// create makes a new file below an open folder.
func create(root *os.Root, _ *os.File, name string, perm fs.FileMode) (*os.File, error) {
	return root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}
