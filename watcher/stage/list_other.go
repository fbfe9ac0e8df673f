//go:build !linux

package stage

import "os"

// List opens the folder once more, to read the names in it.
func (o *Folder) List() (*os.File, error) { return o.Root.Open(".") }
