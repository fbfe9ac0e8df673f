//go:build !linux

package runner

import (
	"context"

	"spool.internal/services/runner/process"
)

// There is no audit that tells of flows but on Linux.
type (
	audit        struct{}
	heard        struct{}
	kernelDenial struct{ blockers, path string }
)

func (*Runner) keepAudit(context.Context)             {}
func (*Runner) watch(*attempt, *process.Flow)         {}
func (*Runner) unwatch(*attempt, bool) []kernelDenial { return nil }
