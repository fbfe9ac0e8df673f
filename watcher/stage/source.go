package stage

import (
	"errors"
	"fmt"
	"os"
	"syscall"

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

// Source is a file held open to be staged.
type Source struct {
	*os.File
	stat     Stat
	leased   bool
	buffer   []byte // for a small file; nil: it gets one
	activity *Activity
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
