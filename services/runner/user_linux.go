package runner

import (
	"errors"
	"io/fs"
	"path/filepath"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
)

// formFor is the form of the room of an attempt: that of all flows, unless it is to
// be another user. An [events.Error] ends the run.
func (r *Runner) formFor(a *attempt) (cell.Form, error) {
	form := r.room.Form
	name, field := a.granted.User, "spool.run.profiles: user"
	if c := a.command(); c != nil && c.User != "" {
		name, field = c.User, "spool.run.user"
		if err := (events.RunOptions{User: name}).CheckUser(a.run.Role); err != nil {
			return form, err
		}
	}
	if name == "" {
		return form, nil
	}
	uid, gid, err := flowUser(name)
	if err != nil {
		return form, events.Faultf(events.Invalid, field, "%s: %v", name, err)
	}
	form.As, form.UID, form.GID = true, uid, gid
	return form, nil
}

// giveSecrets gives the flow's user the files that were made for it, where no mount
// shows them as that user's.
func (a *attempt) giveSecrets(p *places) error {
	if !a.form.As || p.list[p.tmp].Mapped {
		return nil
	}
	for _, name := range []string{secretsDir, emptyInput} {
		err := a.private.Chown(filepath.Join(a.private.Name, name), a.form.UID, a.form.GID)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
