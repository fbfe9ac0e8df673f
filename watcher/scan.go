package watcher

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// scanChunk is how many names are read at a time.
const scanChunk = 256

// pass is a scan under way. It keeps its place in the directory over the turns
// of other folders.
type pass struct {
	dir   *os.File
	full  bool // known files are looked at too
	began time.Time
	found bool // a file that is not known

	asked  int // files that the ledger was asked about
	opened bool
	book   book // nil = the ledger is asked about each
}

func (f *folder) beginPass(at *stage.Folder, step settle.Step, now time.Time) error {
	dir, err := at.Root.Open(".")
	if err != nil {
		return err
	}
	f.pass = &pass{dir: dir, full: step == settle.FullScan, began: now}
	f.crowded, f.unmarked = 0, 0
	f.known.begin()
	f.dir.Begun(step, now)
	return nil
}

func (f *folder) endPass() {
	if f.pass != nil {
		_ = f.pass.dir.Close() // was only read
		f.pass = nil
	}
}

// scan reads on in the directory. Only its end is evidence of what is not there.
func (t *turn) scan(ctx context.Context) {
	f := t.f
	t.scanning = true
	for f.pass != nil && t.goesOn(ctx) {
		entries, err := f.pass.dir.ReadDir(scanChunk)
		for _, e := range entries {
			name := e.Name()
			if !e.Type().IsRegular() && !e.IsDir() || ignored(f.subPath(name), f.task.watch) {
				continue
			}
			if e.IsDir() {
				if f.task.watch.Recursive && !t.watches(f, name) {
					t.consider(ctx, name)
				}
				continue
			}
			if !f.task.watch.Includes(f.subPath(name)) {
				continue
			}
			known := f.known.holds(name)
			t.unhinted = !known && len(f.hinted) == 0
			if f.pass.full || !known {
				t.consider(ctx, name)
			}
			t.unhinted = false
		}
		switch {
		case errors.Is(err, io.EOF):
			now := time.Now()
			f.known.end()
			f.dir.Scanned(f.pass.found, now)
			t.meter.scans.Inc()
			f.scanned, f.took = now, now.Sub(f.pass.began)
			f.endPass()
		case err != nil:
			t.lose(f, err, time.Now())
			return
		}
	}
}

// consider looks at one name and decides what to do about it.
func (t *turn) consider(ctx context.Context, name string) {
	f := t.f
	c := f.pending[name]
	if c != nil && c.batched {
		return
	}
	isNew := f.named[name]
	delete(f.named, name)
	f.pulse.Touch()
	s, err := t.at.Stat(name)
	now := time.Now()
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !s.Regular:
		f.forget(name)
		if s.Folder && f.task.watch.Recursive {
			t.descend(f, name, s)
		}
		return
	case err != nil:
		t.unreadable(f.candidate(name), err, now)
		return
	case !f.task.watch.Includes(f.subPath(name)):
		f.forget(name)
		return
	case f.known.has(name, s.Stat):
		delete(f.pending, name)
		return
	case !t.marked(name, s.Stat, now):
		delete(f.pending, name)
		if t.scanning {
			f.unmarked++
		}
		return
	}
	if f.pass != nil {
		f.pass.found = true
	}
	if c == nil && t.unhinted && now.Sub(time.Unix(0, s.Changed)) > t.unannounced && f.dir.Unannounced(now) {
		t.meter.unreported.Inc()
	}
	c = f.candidate(name)
	if s.Stat != c.stat {
		if c.stat, c.fingerprint, c.said = s.Stat, "", false; c.state != events.FileOpen {
			c.waits("", "", now)
		}
	}
	if isNew {
		c.file.Named()
	}
	if f.task.watch.Marker != "" {
		c.file.Mark()
	}
	action, wait := c.file.Observe(f.rule, s.Stat, now)
	if action == settle.Wait {
		f.wait(c, now.Add(wait))
		return
	}
	c.action, c.due, c.batched = action, now, true
	f.pending[name] = c
	t.batch = append(t.batch, c)
	t.left--
	if len(t.batch) == maxBatch {
		t.flush(ctx)
	}
}

// marked reports that a file need not wait for a marker, or has it.
func (t *turn) marked(name string, s settle.Stat, now time.Time) bool {
	watch := t.f.task.watch
	if watch.Marker == "" {
		return true
	}
	m, err := t.at.Stat(watch.MarkerOf(name))
	return err == nil && m.Regular && settle.Marks(m.Stat, s, now)
}

// candidate gives what is pending under a name, or something new.
func (f *folder) candidate(name string) *candidate {
	if c := f.pending[name]; c != nil {
		return c
	}
	return &candidate{name: name, seen: time.Now()}
}

// unreadable puts a file off that cannot be looked at or opened.
func (t *turn) unreadable(c *candidate, err error, now time.Time) {
	if !c.said {
		t.f.log().Warn("a file cannot be read: it waits", "file", c.name, "error", err.Error())
		c.said = true
	}
	c.waits(events.FileUnreadable, "it cannot be read by Spool: "+drive.Reason(err), now)
	t.f.wait(c, now.Add(c.file.Busy(t.f.rule, now)))
}
