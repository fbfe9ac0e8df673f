//go:build !linux

package cell

import "os"

// Shared is nothing where flows see the files of the host.
type Shared struct{}

// NewShared gives none.
func NewShared(Room) *Shared { return nil }

func (*Shared) Root(*Room) ([]*os.File, error) { return nil, os.ErrInvalid }

func (*Shared) Forget() {}
