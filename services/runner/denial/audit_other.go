//go:build !linux

package denial

import "context"

// Only Linux has an audit that names flows.
type (
	Audit  struct{}
	Heard  struct{}
	Denial struct{ blockers, path string }
)

func (*Audit) Keep(context.Context)          {}
func (*Audit) Watch(int) *Heard              { return nil }
func (*Audit) Unwatch(*Heard, bool) []Denial { return nil }
