//go:build !linux

package location

import "os"

func exact(path string) (Location, error) { return named(path) }

// OfFile is [Of] for a folder that is open.
func OfFile(_ *os.File, path string) (Location, error) { return Of(path) }
