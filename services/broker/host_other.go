//go:build !unix

package broker

import (
	"errors"
	"os"
)

func diskRoom(string) int64 { return minStore }

func flock(*os.File) error {
	return errors.New("this system cannot lock a file: run spool inside WSL 2")
}
