//go:build !linux

package process

import (
	"errors"
	"io"
	"os"
)

func executable() (string, error) { return os.Executable() }

func inMemory(io.Reader, string) (Program, error) {
	return Program{}, errors.New("files without a name cannot be executed here")
}
