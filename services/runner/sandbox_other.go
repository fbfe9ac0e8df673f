//go:build !linux

package runner

import (
	"errors"
	"os"

	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

type hidden struct{}

func canSandbox() error { return hidden{}.canSandbox() }
func canFilter() error  { return hidden{}.canFilter() }

func (hidden) canSandbox() error {
	return errors.New("it is not Linux, and flows may open what the runner may open")
}

func (hidden) canFilter() error {
	return errors.New("it is not Linux: the network cannot be denied")
}

func (hidden) canHear(cell.Form) bool { return false }

func (hidden) canAsk() error { return errors.New("it takes Linux") }

func filterOf(Config, cell.Form, bool) ([]byte, error) { return nil, nil }

func meansOf(cell.Room) means { return means{root: os.Geteuid() == 0} }

func formOf(process.Program, cell.Room, hidden) (cell.Form, error, error) {
	return cell.Form{}, nil, nil
}
