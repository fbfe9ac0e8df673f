package runner

import (
	"context"
	"fmt"

	"spool.internal/events"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/record"
)

// start makes the folders and the log of an attempt, and gives a warm process its command. An
// [events.Error] ends the run; any other fault may pass.
func (r *Runner) start(ctx context.Context, a *attempt) (*process.Flow, error) {
	if err := r.prepare(ctx, a); err != nil {
		return nil, err
	}
	p, err := r.openPlaces(a)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := r.readInput(a, p); err != nil {
		return nil, err
	}
	a.places = p.list
	if err := r.cfg.Reserve.Low(p.open[p.output].Stat()); err != nil {
		return nil, fmt.Errorf("%w: %s", errNoRoom, err.Error()) // the run is not at fault: it is delivered again
	}
	cmd, err := r.commandOf(a, p)
	if err != nil {
		return nil, err
	}
	f, err := r.processFor(ctx, a)
	if err != nil {
		return nil, asNotBegun(err)
	}
	a.printed = a.masked.Writer(a.runlog)
	if err := f.Load(cmd, p.rights(), marker(a.run.FlowJobID, p.list[p.output].Path), a.printed); err != nil {
		f.Discard()
		return nil, err
	}
	return f, nil
}

// prepare reads what an attempt is to run with, and makes its folder, its log and its private
// folder.
func (r *Runner) prepare(ctx context.Context, a *attempt) (err error) {
	if a.settings, err = storedSettings(a.run); err != nil {
		return err
	}
	if a.granted, err = r.profiles.granted(a.run); err != nil {
		return err
	}
	if err := r.openRun(a); err != nil {
		return err
	}
	if err := r.openSecrets(a); err != nil {
		return err
	}
	if a.form, err = r.formFor(a); err != nil {
		return err
	}
	if a.reach, err = r.newReach(ctx, a); err != nil {
		return err
	}
	if a.private, err = record.NewPrivate(a.dir, a.form.As && !a.form.View); err != nil {
		return err
	}
	if err := a.writePrivate(); err != nil {
		return err
	}
	if err := r.restageFor(ctx, a.run); err != nil || r.cfg.Place == "" {
		return err
	}
	o, err := orderOf(a.run)
	if err != nil {
		return err
	}
	return r.inspect(o) // who accepted it may not have had its files
}

// readInput checks that the input is as it was taken, and begins to read the file that the run
// is about.
func (r *Runner) readInput(a *attempt, p *places) error {
	if err := r.inputAsTaken(a.run); err != nil {
		return err
	}
	if p.input >= 0 {
		r.digestInput(a, p.open[p.input])
	}
	if a.run.File == nil {
		return nil
	}
	var err error
	a.file, err = r.theFile(a.run)
	return err
}

// openRun opens the folder and the log of a run. The log says what the flow is not kept from, and
// what it goes without.
func (r *Runner) openRun(a *attempt) (err error) {
	if a.dir, err = record.Open(r.cfg.DataDir, a.run.FlowJobID); err != nil {
		return err
	}
	if a.runlog, err = record.OpenLog(a.dir, a.number, func() error { return r.cfg.Reserve.Short(a.dir.Root.Stat(".")) }); err != nil {
		return err
	}
	r.keepLog(a)
	for _, lack := range r.lacks {
		a.runlog.Note("not kept from this flow: %s", lack)
	}
	for _, lack := range r.missing() {
		a.runlog.Note("this flow goes without: %s", lack)
	}
	return nil
}

func (r *Runner) hostPath(field, logical string) (string, error) {
	p, err := events.ParsePath(field, logical)
	if err != nil {
		return "", err
	}
	return r.drives.HostPath(p), nil
}
