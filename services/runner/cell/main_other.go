//go:build !linux && !darwin

package cell

import (
	"errors"
	"os"
)

// Name, Main, Send and Receive serve nobody where no flows run.
const Name = "spool-gate"

// What a process may be there for.
const (
	Warm = "wait"
	Try  = "try"
)

// Language: see the systems that have one.
const Language = 0

var errNone = errors.New("this system cannot run flows")

type message interface{ code(*coder) }

func Main() {}

func Send(*os.File, message, ...*os.File) error { return errNone }

func Receive(*os.File, message) ([]*os.File, error) { return nil, errNone }
