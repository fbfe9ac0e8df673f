//go:build !linux

package watcher

import (
	"os"
	"path/filepath"
)

// realPath returns the path without links of a directory.
func realPath(_ *os.File, path string) (string, error) { return filepath.EvalSymlinks(path) }

// mounts is known on Linux only; elsewhere all folders count as one mount.
func mounts() []string { return []string{"/"} }
