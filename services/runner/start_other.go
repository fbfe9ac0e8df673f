//go:build !linux && !darwin

package runner

import "spool.internal/services/runner/cell"

func start(program, cell.Form) (*flow, error) { return nil, errUnsupported }
