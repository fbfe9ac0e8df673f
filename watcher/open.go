package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"spool.internal/events/drive"
	"spool.internal/events/location"
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

// replaced notes that another directory than before is at the path.
func (w *Watcher) replaced(f *folder, at *stage.Folder, now time.Time) {
	k := &f.work
	k.vacate()
	k.id, k.mount = at.ID, w.mounted(at.Dir)
	k.rule = w.rule(f.task.watch, k.mount.trust)
	k.dir.Found(k.mount.trust, now)
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

// retire ends the work on a folder for good.
func (w *Watcher) retire(f *folder) {
	w.disarm(f)
	f.work.vacate()
	close(f.gone)
}
