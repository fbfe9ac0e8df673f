package runner

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"spool.internal/events"
	"spool.internal/services/runner/cell"
)

// formFor is the form of the room of an attempt: that of all flows, unless its
// command is to be another user. An [events.Error] ends the run.
func (r *Runner) formFor(a *attempt) (cell.Form, error) {
	form := r.room.Form
	c := a.command()
	if c == nil || c.User == "" {
		return form, nil
	}
	if err := (events.RunOptions{User: c.User}).CheckUser(a.run.Role); err != nil {
		return form, err
	}
	uid, gid, err := flowUser(c.User)
	if err != nil {
		return form, events.Faultf(events.Invalid, "spool.run.user", "%s: %v", c.User, err)
	}
	form.As, form.UID, form.GID = true, uid, gid
	return form, nil
}

// gateFor gives a process that waits at its gate in the room of an attempt.
func (r *Runner) gateFor(ctx context.Context, a *attempt) (*flow, error) {
	if a.form == r.room.Form {
		return r.gate(ctx)
	}
	room, strict := r.roomNow()
	room.Form = a.form
	if len(room.Filter) > 0 {
		var err error
		if room.Filter, err = filterOf(r.cfg, a.form, strict); err != nil {
			return nil, err
		}
	}
	f, err := newGate(r.program, room)
	if err != nil {
		return nil, err
	}
	f.strict = strict
	r.guards.Go(func() { <-f.gone })
	return f, nil
}

// giveSecrets gives the flow's user the files that were made for it, where no mount
// shows them as that user's. The private folder is the last of the places.
func (a *attempt) giveSecrets(p *places) error {
	if !a.form.As || p.list[len(p.list)-1].Mapped {
		return nil
	}
	for _, name := range []string{secretsDir, emptyInput} {
		err := a.private.chown(filepath.Join(a.private.name, name), owner{a.form.UID, a.form.GID})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// chown gives a file, or a folder and what lies in it, to somebody.
func (d privateFolder) chown(name string, to owner) error {
	if err := d.in.Lchown(name, to.uid, to.gid); err != nil {
		return err
	}
	f, err := d.in.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1) // a file has none
	for _, inner := range names {
		err = errors.Join(err, d.in.Lchown(filepath.Join(name, inner), to.uid, to.gid))
	}
	return err
}
