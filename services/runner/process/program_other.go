//go:build !linux

package process

import (
	"errors"
	"os"
)

func executable() (string, error) { return os.Executable() }

func inMemory([]byte, string) (Program, error) {
	return Program{}, errors.New("files without a name cannot be executed here")
}
