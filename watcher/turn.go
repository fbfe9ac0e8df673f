package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"spool.internal/events/drive"
	"spool.internal/events/location"
	"spool.internal/watcher/notify"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// How many files of one folder are worked on, and for how long its names are
// read, before another folder has its turn.
const (
	turnBudget = 2000
	turnTime   = 100 * time.Millisecond
)

// turn is what a worker does with a folder before it gives it back.
type turn struct {
	*Watcher
	f     *folder
	at    *stage.Folder
	batch []*candidate
	left  int // of the budget
	until time.Time

	unhinted bool // the name looked at was found by the scan alone
	scanning bool
}

// take does what is due for a folder, and tells when it is to be taken next.
func (w *Watcher) take(ctx context.Context, f *folder) time.Duration {
	now := time.Now()
	hold, why := w.hold(f, now)
	if hold == 0 {
		f.heed(now)
		step, _ := f.dir.Next(now)
		if step == settle.Check {
			f.check(now)
			step, _ = f.dir.Next(now)
		}
		if step != settle.Rest || f.due(now) == 0 {
			w.look(ctx, f, step, now)
			now = time.Now()
			hold, why = w.hold(f, now)
		}
	}
	f.show(why)
	if hold > 0 {
		return hold
	}
	_, wait := f.dir.Next(now)
	return min(wait, f.due(now))
}

// storeLook is how often it is looked whether a store takes files that took none.
const storeLook = 500 * time.Millisecond

// hold tells how long nothing can be done about files, and why.
func (w *Watcher) hold(f *folder, now time.Time) (hold time.Duration, why error) {
	if err := w.cfg.Bus.Held(); err != nil {
		return storeLook, err // a stage would be built in vain
	}
	all := []*pressure{&w.ledger, &w.intake, &f.staging}
	if !f.now.exempt.Load() {
		all = append(all, &f.allotted.full)
	}
	for _, p := range all {
		if wait, err := p.wait(now); err != nil && wait >= hold {
			hold, why = wait, err
		}
	}
	return hold, why
}

// check sees whether the same directory is still at the path.
func (f *folder) check(now time.Time) {
	look := stage.StatPath
	if f.below != "" {
		look = stage.StatLink
	}
	if s, err := look(f.host); err != nil || s.Identity() != f.id {
		f.dir.Doubt(now)
		return
	}
	f.dir.Same(now)
}

// look opens the folder and works on what is due in it.
func (w *Watcher) look(ctx context.Context, f *folder, step settle.Step, now time.Time) {
	at, err := stage.Open(w.cfg.Drives, f.task.path, f.below, &f.pulse)
	if err != nil {
		w.lose(f, err, now)
		return
	}
	defer at.Close()
	if at.ID != f.id {
		f.vacate()
		f.id, f.mount = at.ID, w.mounted(at.Dir)
		f.rule = w.rule(f.task.watch, f.mount.trust)
		f.dir.Found(f.mount.trust, now)
		step = settle.FullScan
	}
	if step != settle.Rest && f.pass == nil {
		if f.leadsBack(w.cfg.Drives, at) {
			w.lose(f, errLeadsBack, now)
			return
		}
		w.arm(f, at, now)
		if err := f.beginPass(at, step, now); err != nil {
			w.lose(f, err, now)
			return
		}
	}
	t := &turn{Watcher: w, f: f, at: at, left: turnBudget, until: now.Add(turnTime)}
	for len(f.hinted) > 0 && t.goesOn(ctx) {
		last := len(f.hinted) - 1
		name := f.hinted[last]
		f.hinted = f.hinted[:last]
		t.consider(ctx, name)
	}
	for name, c := range f.pending {
		if !t.goesOn(ctx) {
			break
		}
		if !c.due.After(now) {
			t.consider(ctx, name)
		}
	}
	t.scan(ctx)
	t.flush(ctx)
	if f.crowded > 0 && f.pass == nil && len(f.pending) <= maxPending/2 {
		f.dir.Again(time.Now().Add(f.took))
	}
}

// goesOn reports whether the turn may work on more files.
func (t *turn) goesOn(ctx context.Context) bool {
	now := time.Now()
	if t.left <= 0 || now.After(t.until) || t.f.stopped.Load() || ctx.Err() != nil {
		return false
	}
	hold, _ := t.hold(t.f, now)
	return hold == 0
}

// lose takes in that the folder cannot be opened or read.
func (w *Watcher) lose(f *folder, err error, now time.Time) {
	w.deafen(f)
	f.vacate()
	if f.parent != nil && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, stage.ErrNoFolder)) {
		w.ascend(f)
		return
	}
	reason := w.cfg.Drives.Why(f.task.path.Join(f.below), err)
	if errors.Is(err, errLeadsBack) {
		reason = fmt.Sprintf("the output folder %s %s: results would be run again; choose another, or take away the link or mount that leads there", f.task.out, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		f.dir.Missing(reason, now)
	} else {
		f.dir.Refused(reason, now)
	}
}

// errLeadsBack says that what the runs write would be run again.
var errLeadsBack = errors.New("really is the watched folder, or lies in it")

// leadsBack reports whether the output folder of the job lies in its own,
// whatever the paths say.
func (f *folder) leadsBack(d *drive.Drives, at *stage.Folder) bool {
	if f.below != "" {
		return false
	}
	f.pulse.Touch()
	in, err := location.OfFile(at.Dir, f.host)
	if err != nil {
		return false
	}
	out, err := location.Of(d.HostPath(f.task.out))
	return err == nil && out.Within(in)
}

var errMoved = errors.New("another folder has come in its place")

// arm has the folder watched, before it is scanned: what comes before is seen
// by the scan, what comes after is told.
func (w *Watcher) arm(f *folder, at *stage.Folder, now time.Time) {
	if f.dir.Deaf(now) {
		w.deafen(f)
		return
	}
	err := f.mount.watchable()
	if err == nil {
		err = notify.FewEnough(at.Root)
	}
	var path string
	if err == nil {
		path, err = realPath(at.Dir, f.host)
	}
	if err == nil && path != f.listening {
		w.deafen(f)
	}
	if err == nil {
		err = w.notifier.Watch(f, path)
	}
	if err == nil { // it is watched by its name
		if s, serr := stage.StatPath(path); serr != nil || s.Identity() != at.ID {
			w.notifier.Drop(f, path)
			err = errMoved
		}
	}
	if err != nil {
		w.deafen(f)
		f.dir.Unwatched(err.Error(), now)
		return
	}
	f.listening = path
	f.dir.Watched(now)
}

// deafen ends the watch of a folder.
func (w *Watcher) deafen(f *folder) {
	if f.listening != "" {
		w.notifier.Drop(f, f.listening)
		f.listening = ""
	}
}

// retire ends the work on a folder for good.
func (w *Watcher) retire(f *folder) {
	w.deafen(f)
	f.vacate()
	close(f.gone)
}
