package place

import (
	"context"
	"errors"
	"io"
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

// forth moves one file to its place, if it is not there already.
func (m *Mover) forth(ctx context.Context, f *placed) error {
	below, name := f.from()
	from, err := m.drives.Below(m.Run, below)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	is, err := from.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !is.Mode().IsRegular():
		return errors.New("it is no file any more")
	}
	if err := syncIn(from, name); err != nil {
		return err
	}
	toBelow, _ := f.to()
	to, err := m.drives.CreateBelow(m.Job, toBelow)
	if err != nil {
		return err
	}
	defer to.Close()
	for {
		_, as := f.to()
		err := m.transfer(ctx, from, name, to, as).Move()
		if !errors.Is(err, fs.ErrExist) || m.rule.Conflict != events.ConflictSuffix || f.Number >= drive.MaxNumber {
			return err
		}
		f.Number++ // the name was taken meanwhile
		if err := m.store(m.Record); err != nil {
			return err
		}
	}
}

// back moves one file back, if it has left.
func (m *Mover) back(ctx context.Context, f *placed) error {
	below, name := f.from()
	from, err := m.drives.CreateBelow(m.Run, below)
	if err != nil {
		return err
	}
	defer from.Close()
	toBelow, as := f.to()
	to, err := m.drives.Below(m.Job, toBelow)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer to.Close()
	if _, err := from.Lstat(name); err == nil {
		if m.transfer(ctx, from, name, to, as).Landed() { // it was to be removed here, and stays
			err = to.Remove(as)
		}
		return err
	}
	if err = m.transfer(ctx, to, as, from, name).Move(); errors.Is(err, fs.ErrNotExist) {
		return nil // it was removed meanwhile
	}
	return err
}

func (m *Mover) transfer(ctx context.Context, from *os.Root, name string, to *os.Root, as string) drive.Transfer {
	return drive.Transfer{
		From: from, Name: name, To: to, As: as, Replace: m.rule.Conflict == events.ConflictReplace,
		Aside:  events.AfterPrefix + m.run.FlowJobID,
		Copy:   func(dst *os.File) error { return copyIn(ctx, from, name, dst) },
		Synced: func() error { return atomicfile.SyncIn(to, ".") },
		Copied: func() { faultpoint.Hit(faultpoint.OutputCopied) },
		Named:  func() { faultpoint.Hit(faultpoint.OutputNamed) },
	}
}

// openFlags open a file itself, and do not wait for the other end of a pipe.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

func copyIn(ctx context.Context, from *os.Root, name string, dst *os.File) error {
	src, err := from.OpenFile(name, openFlags, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	for ctx.Err() == nil {
		if _, err := io.CopyN(dst, src, 64<<20); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// syncIn flushes the content of a file to disk before the file gets its new name. A file that
// may not be read was written by another user.
func syncIn(from *os.Root, name string) error {
	f, err := from.OpenFile(name, openFlags, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sync flushes all new names to disk before the end of the run is stored.
func (m *Mover) sync() error {
	done := map[string]bool{}
	for _, f := range m.Files {
		below, _ := f.to()
		for dir := strings.TrimSuffix(below, "/"); !done[dir]; dir = parent(dir) {
			done[dir] = true
			folder, err := m.drives.Below(m.Job, dir)
			if errors.Is(err, fs.ErrNotExist) {
				continue // it was removed meanwhile, with what was in it
			}
			if err == nil {
				err = errors.Join(atomicfile.SyncIn(folder, "."), folder.Close())
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func parent(dir string) string {
	if dir = path.Dir(dir); dir == "." {
		return ""
	}
	return dir
}
