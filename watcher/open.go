package watcher

import (
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

var (
	errLeadsBack = errors.New("really is the watched folder, or lies in it") // the output folder: results would be run again
	errMoved     = errors.New("another folder has come in its place")
)

// check sees whether the same directory is still at the path.
func (f *folder) check(now time.Time) {
	statAt := stage.StatPath
	if f.below != "" {
		statAt = stage.StatLink
	}
	if s, err := statAt(f.host); err != nil || s.Identity() != f.work.id {
		f.work.dir.Doubt(now)
		return
	}
	f.work.dir.Same(now)
}

// open opens the folder. When a scan is due it arms the watch and begins the scan.
func (t *turn) open(step settle.Step, now time.Time) error {
	f, k := t.f, t.k
	at, err := stage.Open(t.w.cfg.Drives, f.task.path, f.below, &f.activity)
	if err != nil {
		return err
	}
	t.at = at
	if at.ID != k.id {
		k.vacate()
		k.id, k.mount = at.ID, t.w.mounted(at.Dir)
		k.rule = t.w.rule(f.task.watch, k.mount.trust)
		k.dir.Found(k.mount.trust, now)
		step = settle.FullScan
	}
	if step == settle.Rest || k.scan != nil {
		return nil
	}
	if f.leadsBack(t.w.cfg.Drives, at) {
		err = errLeadsBack
	} else {
		t.w.arm(f, at, now)
		err = k.beginScan(at, step, now)
	}
	if err != nil {
		at.Close()
	}
	return err
}

// unavailable notes that the folder cannot be opened or read.
func (w *Watcher) unavailable(f *folder, err error, now time.Time) {
	w.disarm(f)
	f.work.vacate()
	if f.parent != nil && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, stage.ErrNoFolder)) {
		w.removeSub(f)
		return
	}
	reason := w.cfg.Drives.Why(f.task.path.Join(f.below), err)
	if errors.Is(err, errLeadsBack) {
		reason = fmt.Sprintf("the output folder %s %s: results would be run again; choose another, or take away the link or mount that leads there", f.task.out, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		f.work.dir.Missing(reason, now)
	} else {
		f.work.dir.Refused(reason, now)
	}
}

// leadsBack reports whether the output folder of the job lies in its own, whatever the paths say.
func (f *folder) leadsBack(d *drive.Drives, at *stage.Folder) bool {
	if f.below != "" {
		return false
	}
	f.activity.Touch()
	in, err := location.OfFile(at.Dir, f.host)
	if err != nil {
		return false
	}
	out, err := location.Of(d.HostPath(f.task.out))
	return err == nil && out.Within(in)
}

// arm has the folder watched, before it is scanned: the scan sees what came before, and what comes after is reported.
func (w *Watcher) arm(f *folder, at *stage.Folder, now time.Time) {
	k := &f.work
	if k.dir.Deaf(now) {
		w.disarm(f)
		return
	}
	err := k.mount.watchable()
	if err == nil {
		err = notify.FewEnough(at.Root)
	}
	var path string
	if err == nil {
		path, err = realPath(at.Dir, f.host)
	}
	if err == nil && path != k.watchedPath {
		w.disarm(f)
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
		w.disarm(f)
		k.dir.Unwatched(err.Error(), now)
		return
	}
	k.watchedPath = path
	k.dir.Watched(now)
}

// disarm ends the watch of a folder.
func (w *Watcher) disarm(f *folder) {
	if f.work.watchedPath != "" {
		w.notifier.Drop(f, f.work.watchedPath)
		f.work.watchedPath = ""
	}
}

// retire ends the work on a folder for good.
func (w *Watcher) retire(f *folder) {
	w.disarm(f)
	f.work.vacate()
	close(f.gone)
}
