package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
	"spool.internal/events/drive"
	"spool.internal/events/faultpoint"
)

// relocation moves or deletes one original whose run has ended, if it is still
// the content that ran. It can be cut off anywhere and begun again:
//
//  1. The file gets a hidden name in its own folder, which says whose it is: no
//     run begins under it, and from here a program that writes the name again makes
//     another file. What it then has is compared; other content gets its name back,
//     or one beside it.
//  2. Beside where it is to go the reason is written, if its run failed.
//  3. It is moved to a free name in one step; on another file system it is copied
//     there under a hidden name, synced, given its name, and then removed here.
//
// An attempt finds what it has to go on with under the hidden name, or nothing.
type relocation struct {
	*Watcher
	ending
	task       task
	generation string
	do         events.Afterwards

	at     *opened
	aside  string // the hidden name
	leased *os.File
}

func (r *relocation) perform(ctx context.Context) error {
	below := path.Dir(r.path)
	if below == "." {
		below = ""
	}
	var err error
	r.at, err = openFolder(r.cfg.Drives, r.task.path, below, &pulse{})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoFolder) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.at.close()
	r.aside = events.AfterPrefix + r.fingerprint
	defer r.release()
	if ours, err := r.setAside(); err != nil || !ours {
		return err
	}
	faultpoint.Hit(faultpoint.AfterAside)
	if r.do.Delete {
		return r.at.root.Remove(r.aside)
	}
	to, err := r.cfg.Drives.Create(r.do.Move)
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
	if s, err := r.at.look(r.aside); err == nil { // an attempt before came so far
		if !r.ran(s) {
			return false, r.putBack()
		}
		return true, r.hold(r.aside, s)
	}
	name := path.Base(r.path)
	s, err := r.at.look(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (!s.regular || !r.ran(s)):
		return false, nil // it is gone, or newer
	case err != nil:
		return false, err
	}
	if err := r.hold(name, s); err != nil {
		if errors.Is(err, errChanged) {
			return false, nil
		}
		return false, err
	}
	faultpoint.Hit(faultpoint.AfterHeld)
	if err := drive.Move(r.at.root, name, r.at.root, r.aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	is, err := r.at.look(r.aside)
	if err == nil && (!r.ran(is) || r.leased != nil && broken(r.leased)) {
		return false, errors.Join(r.putBack(), again(r.ran(is)))
	}
	return err == nil, err
}

// again asks for another attempt, where the content is still the one that ran.
func again(same bool) error {
	if same {
		return errWriter
	}
	return nil
}

// ran reports that a file is the content that ran.
func (r *relocation) ran(s stat) bool {
	return fingerprint(r.jobID, r.path, r.generation, s.Stat) == r.fingerprint
}

// hold keeps writers out while the file is moved, where that can be had.
func (r *relocation) hold(name string, s stat) error {
	src, err := r.at.hold(name, s.Stat, true)
	switch {
	case err == nil:
		r.leased = src.File
		return nil
	case errors.Is(err, errWriter), errors.Is(err, errChanged):
		return err
	default:
		return nil // no lease here, or no right to read it: a rename needs none
	}
}

// putBack gives a file its name back, or where that is taken one beside it: then
// it counts as a file of its own.
func (r *relocation) putBack() error {
	name := path.Base(r.path)
	for n := 1; ; n++ {
		err := drive.Move(r.at.root, r.aside, r.at.root, numbered(name, n))
		if !errors.Is(err, fs.ErrExist) || n == maxNumber {
			return err
		}
	}
}

const maxNumber = 10_000

// numbered is the n-th name for a file: a.pdf, a-2.pdf, a-3.pdf.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	ext := path.Ext(name)
	if ext == name {
		ext = ""
	}
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
}

// moveInto moves the file into a folder, under a free name.
func (r *relocation) moveInto(ctx context.Context, to *os.Root) error {
	name := path.Base(r.path)
	for n := 1; n <= maxNumber; n++ {
		as := numbered(name, n)
		free, err := r.explain(to, as)
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		faultpoint.Hit(faultpoint.AfterExplained)
		err = drive.Move(r.at.root, r.aside, to, as)
		if errors.Is(err, syscall.EXDEV) {
			err = r.across(ctx, to, as)
		}
		if errors.Is(err, fs.ErrExist) {
			r.unexplain(to, as)
			continue
		}
		if err != nil {
			return err
		}
		faultpoint.Hit(faultpoint.AfterMoved)
		r.cfg.Log.Info("a file was moved after its run", "job_id", r.jobID, "file", r.path, "to", r.do.Move.Join(as).String(), "ok", r.ok)
		return r.syncBoth(to)
	}
	return fmt.Errorf("%s has %d files of this name: take some away", r.do.Move, maxNumber)
}

// explain writes why a run failed beside the name that its file is to have; it
// answers false where the name is not free.
func (r *relocation) explain(to *os.Root, as string) (free bool, err error) {
	if _, err := to.Lstat(as); !errors.Is(err, fs.ErrNotExist) {
		return err == nil && r.copied(to, as), err
	}
	name, text := as+events.WhyEnding, r.whyText()
	if is, err := to.ReadFile(name); err == nil { // of an attempt before, or of another file that is to come
		return !r.ok && string(is) == text, nil
	}
	if r.ok {
		return true, nil
	}
	tmp := r.aside + events.WhyEnding
	return true, atomicfile.WriteIn(to, tmp, name, []byte(text), 0o644)
}

// unexplain takes away what explain has just written.
func (r *relocation) unexplain(to *os.Root, as string) {
	if !r.ok {
		_ = to.Remove(as + events.WhyEnding)
	}
}

// copied reports that what lies at a name is the copy that an attempt before has
// made on another file system, and needs to be removed here alone.
func (r *relocation) copied(to *os.Root, as string) bool {
	here, err := r.at.root.Lstat(r.aside)
	there, terr := to.Lstat(as)
	return err == nil && terr == nil && !os.SameFile(here, there) && r.otherSystem(to) &&
		there.Mode().IsRegular() && here.Size() == there.Size() && here.ModTime().Equal(there.ModTime())
}

func (r *relocation) otherSystem(to *os.Root) bool {
	dir, err := to.Open(".")
	if err != nil {
		return false
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	s, err := statOpen(dir)
	return err == nil && s.device != r.at.id.device
}

// across moves the file to another file system.
func (r *relocation) across(ctx context.Context, to *os.Root, as string) error {
	if r.copied(to, as) {
		return r.at.root.Remove(r.aside)
	}
	s, err := r.at.look(r.aside)
	if err != nil {
		return err
	}
	src, err := r.at.hold(r.aside, s.Stat, false)
	if err != nil {
		return err
	}
	defer src.Close()      //nolint:errcheck // was only read
	_ = to.Remove(r.aside) // of an attempt before
	dst, err := to.OpenFile(r.aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, s.perm)
	if err != nil {
		return err
	}
	err = src.copyTo(ctx, dst)
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err == nil {
		info, serr := src.Stat()
		if err = serr; err == nil {
			err = to.Chtimes(r.aside, info.ModTime(), info.ModTime())
		}
	}
	if err == nil {
		faultpoint.Hit(faultpoint.AfterCopied)
		err = drive.Move(to, r.aside, to, as)
	}
	if err != nil {
		return errors.Join(err, to.Remove(r.aside))
	}
	if err := r.syncBoth(to); err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.AfterNamed)
	return r.at.root.Remove(r.aside)
}

// syncBoth has the names on the disk.
func (r *relocation) syncBoth(to *os.Root) error {
	if !r.cfg.SyncStage {
		return nil
	}
	dir, err := to.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(syncNames(dir), dir.Close(), syncNames(r.at.self))
}
