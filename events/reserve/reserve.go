// Package reserve keeps a part of the disk of Spool's store free.
//
//	r := reserve.New(dataDir, 0)                   // the default: a twentieth, at most 1 GiB
//	err := r.Short(os.Stat(folder))                // may an upload, a stage or a log grow there?
//	err = r.Low(os.Stat(folder))                   // may a flow go on writing there?
//
// The store comes first on its disk: what a trigger, a run or its end needs is small and cannot be
// postponed. So uploads, stages and logs of runs stop when less than the reserve is free, and flows
// whose output lies there are stopped when less than half of it is. Nothing on another disk is ever
// refused. A Reserve is safe for concurrent use; a nil one refuses nothing.
package reserve

import (
	"fmt"
	"os"

	"spool.internal/events"
)

// The default reserve: a part of the disk, with an upper bound.
const (
	defaultMost = 1 << 30
	defaultPart = 20 // a twentieth
)

// Reserve is what is kept free on the disk of one folder.
type Reserve struct {
	dir   string
	bytes int64
}

// New keeps bytes free on the disk of a folder. 0 means a twentieth of the disk, at
// most 1 GiB, below 0 nothing.
func New(dir string, bytes int64) *Reserve {
	if bytes < 0 {
		bytes = 0
	} else if bytes == 0 {
		if _, total, err := Room(dir); err == nil {
			bytes = min(defaultMost, total/defaultPart)
		}
	}
	return &Reserve{dir, bytes}
}

// Bytes is what is kept free.
func (r *Reserve) Bytes() int64 {
	if r == nil {
		return 0
	}
	return r.bytes
}

// Short says why nothing large should be written now into a folder: it lies on the
// disk of the store, which has less than the reserve free. The error is of code Full.
// A folder that could not be looked at is not refused.
func (r *Reserve) Short(folder os.FileInfo, err error) error { return r.below(folder, err, 1) }

// Low says why who writes into a folder is to be stopped: less than half of the
// reserve is free. The error is of code Full.
func (r *Reserve) Low(folder os.FileInfo, err error) error { return r.below(folder, err, 2) }

func (r *Reserve) below(folder os.FileInfo, err error, part int64) error {
	if r == nil || r.bytes == 0 || err != nil {
		return nil
	}
	store, err := os.Stat(r.dir)
	if err != nil || device(store) != device(folder) {
		return nil
	}
	free, _, err := Room(r.dir)
	if err != nil || free >= r.bytes/part {
		return nil
	}
	return &events.Error{Code: events.Full, Message: fmt.Sprintf(
		"the disk of Spool's store has %s free, and %s of it are kept for the store (--reserve): make room on that disk",
		Size(free), Size(r.bytes))}
}

// Size writes a number of bytes as people do.
func Size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	default:
		return fmt.Sprintf("%d kB", n>>10)
	}
}
