package cell

import "os"

// Without the means of Linux a warm process only waits.

type shell struct{}

func (*Room) prepare() (*shell, Met) { return &shell{}, Met{} }

func (*shell) enter(cmd *Command, rights []*os.File) error {
	if cmd.Dir >= len(rights) {
		return errWire
	}
	return fchdir(rights[cmd.Dir])
}

func (*shell) filter() error { return nil }

func (Limits) set() {}

func closeOthers(int) {}

func launch([]string) {}
func guard([]string)  {}
