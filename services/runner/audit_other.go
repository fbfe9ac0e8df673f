//go:build !linux

package runner

import "context"

// Only Linux has an audit that names flows.
type (
	audit        struct{}
	heard        struct{}
	kernelDenial struct{ blockers, path string }
)

func (*audit) keep(context.Context)                {}
func (*audit) watch(int) *heard                    { return nil }
func (*audit) unwatch(*heard, bool) []kernelDenial { return nil }
