package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
	"spool.internal/events/drive"
	"spool.internal/events/faultpoint"
	"spool.internal/watcher/stage"
)

// relocation moves or deletes one original whose run has ended, if it is still
// the content that ran. It can be cut off anywhere and begun again:
//
//  1. The file gets a hidden name in its own folder, which contains its fingerprint. Under that name no run begins, and a
//     program that writes the old name again makes another file. Its content is then compared; other content gets its
//     name back, or one beside it.
//  2. If its run failed, the reason is written beside its destination.
//  3. It is moved to a free name in one step; on another file system it is copied there under a hidden name, synced, given
//     its name, and then removed here.
//
// The next attempt goes on with what it finds under the hidden name, or has nothing to do.
type relocation struct {
	w *Watcher
	ending
	task       task
	generation string
	do         events.Afterwards

	at     *stage.Folder
	aside  string // the hidden name
	leased *os.File
}

func (r *relocation) perform(ctx context.Context) error {
	below := path.Dir(r.path)
	if below == "." {
		below = ""
	}
	var err error
	r.at, err = stage.Open(r.w.cfg.Drives, r.task.path, below, &stage.Activity{})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, stage.ErrNoFolder) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.at.Close()
	r.aside = events.AfterPrefix + r.fingerprint
	defer r.release()
	if ours, err := r.setAside(); err != nil || !ours {
		return err
	}
	faultpoint.Hit(faultpoint.AfterAside)
	if r.do.Delete {
		return r.at.Root.Remove(r.aside)
	}
	to, err := r.w.cfg.Drives.Create(r.do.Move)
	if err != nil {
		return errors.Join(err, r.putBack())
	}
	defer to.Close() //nolint:errcheck // nothing was written through it
	return r.moveInto(ctx, to)
}

func (r *relocation) release() {
	if r.leased != nil {
		_ = r.leased.Close()
	}
}

// setAside gives the original its hidden name, if it is the content that ran.
func (r *relocation) setAside() (ours bool, err error) {
	if s, err := r.at.Stat(r.aside); err == nil { // an attempt before got this far
		if !r.ran(s) {
			return false, r.putBack()
		}
		return true, r.lease(r.aside, s)
	}
	name := path.Base(r.path)
	s, err := r.at.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (!s.Regular || !r.ran(s)):
		return false, nil // it is gone, or newer
	case err != nil:
		return false, err
	}
	if err := r.lease(name, s); err != nil {
		if errors.Is(err, stage.ErrChanged) {
			return false, nil
		}
		return false, err
	}
	faultpoint.Hit(faultpoint.AfterHeld)
	if err := drive.Move(r.at.Root, name, r.at.Root, r.aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	is, err := r.at.Stat(r.aside)
	if err == nil && (!r.ran(is) || r.leased != nil && stage.Contended(r.leased)) {
		return false, errors.Join(r.putBack(), again(r.ran(is)))
	}
	return err == nil, err
}

// again asks for another attempt, where the content is still the one that ran.
func again(same bool) error {
	if same {
		return stage.ErrWriter
	}
	return nil
}

// ran reports whether a file is the content that ran.
func (r *relocation) ran(s stage.Stat) bool {
	return stage.Fingerprint(r.jobID, r.path, r.generation, s.Stat) == r.fingerprint
}

// lease keeps writers out while the file is moved, where a lease can be had.
func (r *relocation) lease(name string, s stage.Stat) error {
	src, err := r.at.OpenFile(name, s.Stat, true)
	switch {
	case err == nil:
		r.leased = src.File
		return nil
	case errors.Is(err, stage.ErrWriter), errors.Is(err, stage.ErrChanged):
		return err
	default:
		return nil // no lease here, or no right to read it: a rename needs none
	}
}

// putBack gives a file its name back, or, where that is taken, a numbered one: then it counts as a file of its own.
func (r *relocation) putBack() error {
	name := path.Base(r.path)
	for n := 1; ; n++ {
		err := drive.Move(r.at.Root, r.aside, r.at.Root, drive.Numbered(name, n))
		if !errors.Is(err, fs.ErrExist) || n == drive.MaxNumber {
			return err
		}
	}
}

// moveInto moves the file into a folder, under a free name.
func (r *relocation) moveInto(ctx context.Context, to *os.Root) error {
	name := path.Base(r.path)
	for n := 1; n <= drive.MaxNumber; n++ {
		t := r.transfer(ctx, to, drive.Numbered(name, n))
		free, err := r.explain(t)
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		faultpoint.Hit(faultpoint.AfterExplained)
		err = t.Move()
		if errors.Is(err, fs.ErrExist) {
			r.unexplain(to, t.As)
			continue
		}
		if err != nil {
			return err
		}
		faultpoint.Hit(faultpoint.AfterMoved)
		r.w.cfg.Log.Info("a file was moved after its run", "job_id", r.jobID, "file", r.path, "to", r.do.Move.Join(t.As).String(), "ok", r.ok)
		return r.syncBoth(to)
	}
	return fmt.Errorf("%s has %d files of this name: take some away", r.do.Move, drive.MaxNumber)
}

func (r *relocation) transfer(ctx context.Context, to *os.Root, as string) drive.Transfer {
	return drive.Transfer{
		From: r.at.Root, Name: r.aside, To: to, As: as, Aside: r.aside,
		Copy:   func(dst *os.File) error { return r.copyTo(ctx, dst) },
		Synced: func() error { return r.syncBoth(to) },
		Copied: func() { faultpoint.Hit(faultpoint.AfterCopied) },
		Named:  func() { faultpoint.Hit(faultpoint.AfterNamed) },
	}
}

// explain writes why a run failed, beside the name that its file is to have. It returns false where the name is not free.
func (r *relocation) explain(t drive.Transfer) (free bool, err error) {
	to, as := t.To, t.As
	if _, err := to.Lstat(as); !errors.Is(err, fs.ErrNotExist) {
		return err == nil && t.Landed(), err
	}
	name, text := as+events.WhyEnding, r.whyText()
	if is, err := to.ReadFile(name); err == nil { // from an attempt before, or for another file that is to come
		return !r.ok && string(is) == text, nil
	}
	if r.ok {
		return true, nil
	}
	tmp := r.aside + events.WhyEnding
	return true, atomicfile.WriteIn(to, tmp, name, []byte(text), 0o644)
}

// unexplain removes what explain has just written.
func (r *relocation) unexplain(to *os.Root, as string) {
	if !r.ok {
		_ = to.Remove(as + events.WhyEnding)
	}
}

// copyTo copies the file, unless it changes meanwhile.
func (r *relocation) copyTo(ctx context.Context, dst *os.File) error {
	s, err := r.at.Stat(r.aside)
	if err != nil {
		return err
	}
	src, err := r.at.OpenFile(r.aside, s.Stat, false)
	if err != nil {
		return err
	}
	return errors.Join(src.CopyTo(ctx, dst), src.Close())
}

// syncBoth flushes both folders to disk, if so configured.
func (r *relocation) syncBoth(to *os.Root) error {
	if !r.w.cfg.SyncStage {
		return nil
	}
	return errors.Join(atomicfile.SyncIn(to, "."), stage.SyncDir(r.at.Dir))
}
