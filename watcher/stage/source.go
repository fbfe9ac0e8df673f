package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/settle"
)

// Reasons for deferring a file to a later scan.
var (
	ErrWriter  = errors.New("somebody writes to the file")
	ErrNoLease = errors.New("no read lease is to be had")
	ErrChanged = errors.New("the file has changed")
	ErrRead    = errors.New("the file cannot be read")
	ErrNoClone = errors.New("the file system shares no blocks")
	ErrNoRoom  = errors.New("there is no room for a copy of it")
	ErrStages  = errors.New("the folder of the stages cannot be used") // no file of the folder can be staged
)

// Folder is an open watched folder, confined to its drive.
type Folder struct {
	Drives   *drive.Drives
	Base     events.Path // of the drive, where the stages are
	Root     *os.Root    // the folder
	Dir      *os.File    // the folder, to stat names in it
	ID       Identity
	activity *Activity
}

// Open opens the folder at p, or the directory below it. Links in p are followed as long as they stay in the drive; links
// below p are not followed.
func Open(d *drive.Drives, p events.Path, below string, life *Activity) (*Folder, error) {
	o := &Folder{Drives: d, Base: d.Base(p), activity: life}
	var err error
	if o.Root, err = d.OpenDir(p); err == nil && below != "" {
		err = o.descend(below)
	}
	if err == nil {
		if o.Dir, err = o.Root.Open("."); err == nil {
			var s Stat
			s, err = statOpen(o.Dir)
			o.ID = s.Identity()
		}
	}
	if err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// Close closes the folder.
func (o *Folder) Close() {
	if o.Dir != nil {
		_ = o.Dir.Close()
	}
	if o.Root != nil {
		_ = o.Root.Close()
	}
}

// ErrNoFolder says that what is at the path below a folder is no directory, or no more.
var ErrNoFolder = errors.New("is no folder")

// descend goes to a directory below the folder.
func (o *Folder) descend(below string) error {
	sub, err := o.Drives.Below(o.Root, below)
	if err == nil {
		err = o.Root.Close()
		o.Root = sub
		return err
	}
	if errors.Is(err, drive.ErrLink) || errors.Is(err, drive.ErrChanging) || errors.Is(err, syscall.ENOTDIR) {
		err = fmt.Errorf("%w: %w", ErrNoFolder, err) // any more
	}
	return err
}

// Stat says what a name in the folder is.
func (o *Folder) Stat(name string) (Stat, error) { return statAt(o.Root, o.Dir, name) }

// Source is a file held open to be staged.
type Source struct {
	*os.File
	stat     Stat
	leased   bool
	activity *Activity
}

// statIn says what a path below a folder is, without following a link at its end.
func statIn(root *os.Root, name string) (Stat, error) {
	dir, err := root.Open(filepath.Dir(name))
	if err != nil {
		return Stat{}, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	return statAt(root, dir, filepath.Base(name))
}

// OpenFile opens a file whose stat was want, and leases it if asked to. The error is [ErrChanged], [ErrWriter],
// [ErrNoLease] or [ErrRead].
func (o *Folder) OpenFile(name string, want settle.Stat, leased bool) (*Source, error) {
	f, err := o.Root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	switch {
	case errors.Is(err, syscall.EAGAIN): // another program has leased it
		return nil, ErrWriter
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrRead, err)
	}
	s := &Source{File: f, leased: leased, activity: o.activity}
	if err = o.Drives.Check(f); err != nil {
		err = fmt.Errorf("%w: %w", ErrRead, err)
	} else if leased {
		err = lease(f)
	}
	if err == nil {
		if s.stat, err = statOpen(f); err != nil {
			err = fmt.Errorf("%w: %w", ErrRead, err)
		}
	}
	if err == nil && (!s.stat.Regular || s.stat.Stat != want) {
		err = ErrChanged
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

const (
	copyChunk   = 8 << 20          // is copied before it is checked whether a writer waits
	writerWaits = 10 * time.Second // is how long a writer waits at most for the copy of what it is about to overwrite
	largeFile   = 64 << 20         // from this size on the room is checked before a copy is begun
	smallFile   = 64 << 10         // up to this size a file is copied at once: shared blocks and holes would save less than they cost
)

// CopyTo copies the source to dst, and makes sure that it did not change meanwhile. The error is one of those of
// [Folder.OpenFile], or of dst.
func (s *Source) CopyTo(ctx context.Context, dst *os.File) error {
	if s.stat.Size <= smallFile {
		return s.copySmall(dst)
	}
	if err := clone(dst, s.File); err != nil {
		if err := s.copyParts(ctx, dst); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.compare(dst)
}

// copyParts copies part by part, and lets a program that opens the file for writing wait, but not for long.
func (s *Source) copyParts(ctx context.Context, dst *os.File) error {
	if s.stat.Size >= largeFile {
		if err := roomFor(dst, s.File); err != nil {
			return err
		}
	}
	var writer time.Time // when one was first seen to wait
	for ctx.Err() == nil {
		s.activity.Touch()
		n, err := copyPart(dst, s.File, s.stat.Size)
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
			return err // the drive's fault, not the file's
		case err != nil:
			return fmt.Errorf("%w: %w", ErrRead, err)
		}
		if s.leased && n > 0 && Contended(s.File) {
			if writer.IsZero() {
				writer = time.Now()
			}
			if time.Since(writer) > writerWaits {
				return ErrWriter
			}
			if err := s.compare(nil); err != nil { // the system has let the writer in
				return err
			}
		}
	}
	return ctx.Err()
}

func (s *Source) copySmall(dst *os.File) error {
	content := make([]byte, s.stat.Size)
	_, err := io.ReadFull(s.File, content)
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return ErrChanged
	case err != nil:
		return fmt.Errorf("%w: %w", ErrRead, err)
	}
	if _, err := dst.Write(content); err != nil {
		return err
	}
	return s.compare(dst)
}

// cloneTo is CopyTo by sharing blocks, where the file system can; else the error is [ErrNoClone].
func (s *Source) cloneTo(dst *os.File) error {
	if err := clone(dst, s.File); err != nil {
		return fmt.Errorf("%w: %w", ErrNoClone, err)
	}
	return s.compare(dst)
}

// compare makes sure that the source is unchanged, and that dst, if it is complete, has its size.
func (s *Source) compare(dst *os.File) error {
	after, err := statOpen(s.File)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRead, err)
	}
	if after.Stat != s.stat.Stat {
		return ErrChanged
	}
	if dst == nil {
		return nil
	}
	copied, err := dst.Stat()
	if err == nil && copied.Size() != s.stat.Size {
		err = ErrChanged
	}
	return err
}
