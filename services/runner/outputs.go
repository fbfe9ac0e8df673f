package runner

import (
	"context"
	"errors"
	"fmt"
	"path"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/services/daemon"
	"spool.internal/services/runner/place"
	"spool.internal/services/runner/record"
)

// place moves what an attempt that ends OK has written to where its job wants it, and says so in
// ev; or ev says why it ends with ERROR instead.
func (r *Runner) place(ctx context.Context, a *attempt, ev *events.RunEvent) (m *place.Mover, err error) {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	m = place.New(a.run, *ev, r.drives, a.folders())
	err = m.Begin(ctx)
	*ev = m.Ended(a.hide)
	return m, err
}

// resumePlacing goes on with the outputs of an attempt whose runner died while it placed them:
// the flow has ended, and does not run again. last is the last event of the run, and seq its
// sequence. done says that the run is over.
func (r *Runner) resumePlacing(ctx context.Context, former, last events.RunEvent, run events.Run, seq uint64) (done bool, err error) {
	cancelled := last.Phase == events.Cancelling
	p, err := place.Read(r.cfg.DataDir, run.FlowJobID)
	if err != nil || p == nil || p.Event.Attempt != former.Attempt {
		return false, err
	}
	a := &attempt{run: run, number: former.Attempt, earlier: p.Event.Attempts, log: r.logOf(run).With("attempt", former.Attempt)}
	defer a.clear()
	m, err := r.reopen(a, p)
	if err != nil && cancelled {
		return false, nil // nobody waits for them
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", place.ErrUnreached, err)
	}
	hide := a.hide
	if a.granted, err = r.profiles.granted(run); err == nil {
		err = r.openSecrets(a)
	}
	if err != nil { // names could hold what cannot be masked any more
		hide = func(string) string { return events.Mask }
	}
	moving, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	if err := m.CarryOut(moving); cancelled && errors.Is(err, place.ErrUnreached) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	a.log.Info("what a run wrote has been placed after a restart", "files", len(m.Files))
	return true, r.concludePlaced(ctx, a, m, m.Ended(hide), seq)
}

// folders are those that the outputs of an attempt are moved between.
func (a *attempt) folders() place.Folders {
	return place.Folders{Job: a.base, Run: a.output, Record: a.dir}
}

// reopen opens the folders of a placement.
func (r *Runner) reopen(a *attempt, p *place.Placement) (m *place.Mover, err error) {
	rule := place.RuleOf(a.run)
	dir, ok := events.PlacedIn(a.run.OutputFolder, a.run.FlowJobID)
	if rule == nil || !ok {
		return nil, errors.New("the run places no outputs")
	}
	if a.base, err = r.drives.OpenDir(dir); err != nil {
		return nil, err
	}
	if in, err := place.FolderID(a.base); err != nil || in != p.In {
		return nil, errors.Join(err, fmt.Errorf("%s is not the folder any more that the run has written to", dir))
	}
	if a.output, err = r.drives.Below(a.base, path.Base(a.run.OutputFolder)); err != nil {
		return nil, err
	}
	if a.dir, err = record.Open(r.cfg.DataDir, a.run.FlowJobID); err != nil {
		return nil, err
	}
	return place.Resume(a.run, p, r.drives, a.folders()), nil
}

// concludePlaced is conclude for an attempt whose outputs were placed, or should have been.
func (r *Runner) concludePlaced(ctx context.Context, a *attempt, m *place.Mover, ev events.RunEvent, seq uint64) error {
	err := r.conclude(ctx, a, ev, seq, m.Final)
	if _, retried := errors.AsType[notYet](err); err == nil || retried {
		faultpoint.Hit(faultpoint.OutputTold)
		m.Tidy()
	}
	return err
}

// tidyUp removes what is left of a placement whose run has ended.
func (r *Runner) tidyUp(run events.Run) {
	p, err := place.Read(r.cfg.DataDir, run.FlowJobID)
	if err != nil || p == nil {
		return
	}
	a := &attempt{run: run, log: r.logOf(run)}
	defer a.clear()
	if m, err := r.reopen(a, p); err == nil {
		m.Tidy()
	}
}
