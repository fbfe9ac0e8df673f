//go:build !linux

package runner

import "os"

// openPlain opens a file or folder. Nothing is shut in here.
func openPlain(path string) (*os.File, error) { return os.Open(plain(path)) }
