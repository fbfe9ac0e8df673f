//go:build !linux

package runner

import (
	"errors"
	"os"
)

func executable() (string, error) { return os.Executable() }

func inMemory([]byte, string) (program, error) {
	return program{}, errors.New("files without a name cannot be executed here")
}
