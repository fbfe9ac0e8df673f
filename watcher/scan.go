package watcher

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// scanChunk is how many names are read at a time.
const scanChunk = 256

// scan is a scan of a directory under way. It keeps its place while other folders have their turns.
type scan struct {
	dir   *os.File
	full  bool // known files are looked at too
	began time.Time
	found bool // a file that is not known

	looked  int // regular files
	ignored int // those of them that a rule leaves alone

	new    bool // the ledger knew none of the files that it was asked about last
	asked  int  // files that the ledger was asked about
	opened bool
	index  index // nil = the ledger is asked about each
}

// scan reads on in the directory. Only a complete scan is evidence of what is not there.
func (t *turn) scan(ctx context.Context) {
	k := t.k
	t.scanning = true
	for k.scan != nil && t.goesOn(ctx) {
		entries, err := k.scan.dir.ReadDir(scanChunk)
		for _, e := range entries {
			t.scanEntry(ctx, e)
		}
		switch {
		case errors.Is(err, io.EOF):
			now := time.Now()
			k.known.end()
			k.sweepBare()
			k.looked, k.ignored = k.scan.looked, k.scan.ignored
			k.dir.Scanned(k.scan.found, now)
			t.w.meter.scans.Inc()
			k.scannedAt, k.scanTook = now, now.Sub(k.scan.began)
			k.endScan()
		case err != nil:
			t.w.unavailable(t.f, err, time.Now())
			return
		}
	}
}

// scanEntry considers one entry of the directory, unless it is known or none of a run's business.
func (t *turn) scanEntry(ctx context.Context, e os.DirEntry) {
	f, k, name := t.f, t.k, e.Name()
	if !e.Type().IsRegular() && !e.IsDir() {
		return
	}
	left := ignored(f.subPath(name), f.task.watch)
	if !e.IsDir() {
		k.scan.looked++
		if left = left || !f.task.watch.Includes(f.subPath(name)); left {
			k.scan.ignored++
		}
	}
	if left {
		return
	}
	if e.IsDir() {
		if f.task.watch.Recursive && !t.w.hasSub(f, name) {
			t.consider(ctx, name)
		}
		return
	}
	known := k.known.knowsName(name)
	t.unhinted = !known && len(k.hinted) == 0
	if k.scan.full || !known {
		t.consider(ctx, name)
	}
	t.unhinted = false
}

// met notes whether the ledger knew none of some files.
func (s *scan) met(none bool) {
	if s != nil {
		s.new = none
	}
}

// goesOnNew reports whether the files that come next are likely to be new.
func (s *scan) goesOnNew() bool { return s != nil && s.new }
