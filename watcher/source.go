package watcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/settle"
)

// Why a file cannot be taken now.
var (
	errWriter  = errors.New("somebody writes to the file")
	errNoLease = errors.New("no read lease is to be had")
	errChanged = errors.New("the file has changed")
	errRead    = errors.New("the file cannot be read")
	errNoClone = errors.New("the file system shares no blocks")
	errNoRoom  = errors.New("there is no room for a copy of it")
	errStages  = errors.New("the folder of the stages cannot be used") // no file of the folder can be staged
)

// stat is what a look at a file or folder saw.
type stat struct {
	settle.Stat
	regular bool
	folder  bool // no link to one
	perm    fs.FileMode
	device  uint64
}

// identity tells a folder from the one that takes its place.
type identity struct {
	device, inode uint64
	birth         int64
}

func (s stat) identity() identity { return identity{s.device, s.Inode, s.Birth} }

// opened is a folder that is open, below the drive that confines it.
type opened struct {
	drives *drive.Drives
	base   events.Path // of the drive, where the stages go
	root   *os.Root    // the folder
	self   *os.File    // the folder, to look at names in it
	id     identity
	pulse  *pulse
}

// openFolder opens the folder at p, or the directory below it. Links lead to p as
// long as they stay in the drive, and below it nowhere.
func openFolder(d *drive.Drives, p events.Path, below string, life *pulse) (*opened, error) {
	o := &opened{drives: d, base: d.Base(p), pulse: life}
	var err error
	if o.root, err = d.OpenDir(p); err == nil && below != "" {
		err = o.descend(below)
	}
	if err == nil {
		if o.self, err = o.root.Open("."); err == nil {
			var s stat
			s, err = statOpen(o.self)
			o.id = s.identity()
		}
	}
	if err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// close closes what is open; nothing of it was written to.
func (o *opened) close() {
	if o.self != nil {
		_ = o.self.Close()
	}
	if o.root != nil {
		_ = o.root.Close()
	}
}

var errNoFolder = errors.New("is no folder")

// descend goes to a directory below the folder.
func (o *opened) descend(below string) error {
	sub, err := o.drives.Below(o.root, below)
	if err == nil {
		err = o.root.Close()
		o.root = sub
		return err
	}
	if errors.Is(err, drive.ErrLink) || errors.Is(err, drive.ErrChanging) || errors.Is(err, syscall.ENOTDIR) {
		err = fmt.Errorf("%w: %w", errNoFolder, err) // any more
	}
	return err
}

// look sees what a name in the folder is.
func (o *opened) look(name string) (stat, error) { return statAt(o.root, o.self, name) }

// source is a file held open to be staged.
type source struct {
	*os.File
	stat   stat
	leased bool
	pulse  *pulse
}

// statIn sees what a path below a folder is, without following a link at its end.
func statIn(root *os.Root, name string) (stat, error) {
	dir, err := root.Open(filepath.Dir(name))
	if err != nil {
		return stat{}, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	return statAt(root, dir, filepath.Base(name))
}

// hold opens a file that was seen to look like want, and leases it when asked
// to. The error is errChanged, errWriter, errNoLease or errRead.
func (o *opened) hold(name string, want settle.Stat, leased bool) (*source, error) {
	f, err := o.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	switch {
	case errors.Is(err, syscall.EAGAIN): // another program has leased it
		return nil, errWriter
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errRead, err)
	}
	s := &source{File: f, leased: leased, pulse: o.pulse}
	if err = o.drives.Check(f); err != nil {
		err = fmt.Errorf("%w: %w", errRead, err)
	} else if leased {
		err = lease(f)
	}
	if err == nil {
		if s.stat, err = statOpen(f); err != nil {
			err = fmt.Errorf("%w: %w", errRead, err)
		}
	}
	if err == nil && (!s.stat.regular || s.stat.Stat != want) {
		err = errChanged
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

const (
	copyChunk   = 8 << 20          // is copied before a look whether a writer waits
	writerWaits = 10 * time.Second // is how long a writer is made to wait for the copy of what it is about to overwrite
	largeFile   = 64 << 20         // from here on it is asked whether there is room before a copy is begun
	smallFile   = 64 << 10         // up to here a file is copied at once: shared blocks and holes would save less than they cost
)

// copyTo gives dst the content of the source, and makes sure that it is the
// content that was seen. The error is one of those of hold, or of dst.
func (s *source) copyTo(ctx context.Context, dst *os.File) error {
	if s.stat.Size <= smallFile {
		return s.copySmall(dst)
	}
	if err := clone(dst, s.File); err != nil {
		if s.stat.Size >= largeFile {
			if err := roomFor(dst, s.File); err != nil {
				return err
			}
		}
		var writer time.Time // when one was first seen to wait
		for ctx.Err() == nil {
			s.pulse.beat()
			n, err := copyPart(dst, s.File, s.stat.Size)
			if err == io.EOF {
				break
			}
			if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
				return err // the drive's fault, not the file's
			}
			if err != nil {
				return fmt.Errorf("%w: %w", errRead, err)
			}
			if s.leased && n > 0 && broken(s.File) {
				if writer.IsZero() {
					writer = time.Now()
				}
				if time.Since(writer) > writerWaits {
					return errWriter
				}
				if err := s.compare(nil); err != nil { // the system has let it in
					return err
				}
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.compare(dst)
}

func (s *source) copySmall(dst *os.File) error {
	content := make([]byte, s.stat.Size)
	_, err := io.ReadFull(s.File, content)
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return errChanged
	case err != nil:
		return fmt.Errorf("%w: %w", errRead, err)
	}
	if _, err := dst.Write(content); err != nil {
		return err
	}
	return s.compare(dst)
}

// cloneTo is copyTo where the file system lets the two share their blocks.
func (s *source) cloneTo(dst *os.File) error {
	if err := clone(dst, s.File); err != nil {
		return fmt.Errorf("%w: %w", errNoClone, err)
	}
	return s.compare(dst)
}

// compare makes sure that the source is still what was seen, and dst as long,
// when that is complete.
func (s *source) compare(dst *os.File) error {
	after, err := statOpen(s.File)
	if err != nil {
		return fmt.Errorf("%w: %w", errRead, err)
	}
	if after.Stat != s.stat.Stat {
		return errChanged
	}
	if dst == nil {
		return nil
	}
	copied, err := dst.Stat()
	if err == nil && copied.Size() != s.stat.Size {
		err = errChanged
	}
	return err
}
