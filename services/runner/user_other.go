//go:build !linux

package runner

import (
	"spool.internal/events"
	"spool.internal/services/runner/cell"
)

func (r *Runner) formFor(a *attempt) (cell.Form, error) {
	if c := a.command(); c != nil && c.User != "" {
		return r.room.Form, events.Faultf(events.Invalid, "spool.run.user", "flows run as another user on Linux only; leave out %q", c.User)
	}
	if name := a.granted.User; name != "" {
		return r.room.Form, events.Faultf(events.Invalid, "spool.run.profiles", "user %s: flows run as another user on Linux only", name)
	}
	return r.room.Form, nil
}

func (a *attempt) giveSecrets(*places) error { return nil }
