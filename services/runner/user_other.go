//go:build !linux

package runner

import (
	"context"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
)

func (r *Runner) formFor(a *attempt) (cell.Form, error) {
	if c := a.command(); c != nil && c.User != "" {
		return r.room.Form, events.Faultf(events.Invalid, "spool.run.user", "flows run as another user on Linux only; leave out %q", c.User)
	}
	return r.room.Form, nil
}

func (r *Runner) gateFor(ctx context.Context, _ *attempt) (*flow, error) { return r.gate(ctx) }

func (a *attempt) giveSecrets(*places) error { return nil }
