package watcher

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/notify"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// How many files of one folder are worked on, and for how long while another folder waits, before that has its turn.
const (
	turnBudget = 2000
	turnTime   = 100 * time.Millisecond
)

// turn is what a worker does with a folder between taking it from the queue and giving it back. A file passes its
// methods in this order:
//
//	take → takeHints → run → consider     which names are due, and which files are complete (this file)
//	scan                                  names that nothing was reported of (scan.go)
//	flush → unknown → stage → commit      complete files, in batches (batch.go); one is committed
//	settle                                while the next is staged
type turn struct {
	w     *Watcher
	f     *folder
	k     *work         // of f
	at    *stage.Folder // f, opened
	batch []*candidate
	left  int // files that the turn may still work on

	guessed bool // the ledger was not asked about the files that are worked on
	until   time.Time

	committing *commitment // nil: none

	unhinted bool // nothing was reported of the name that is looked at
	scanning bool
}

// take does what is due for a folder, and returns after how long to take it again.
func (w *Watcher) take(ctx context.Context, f *folder) time.Duration {
	now := time.Now()
	wait, why := w.downstream(f, now)
	if wait == 0 {
		f.takeHints(now)
		step, _ := f.work.dir.Next(now)
		if step == settle.Check {
			f.check(now)
			step, _ = f.work.dir.Next(now)
		}
		if step != settle.Rest || f.work.due(now) == 0 {
			t := &turn{w: w, f: f, k: &f.work, left: turnBudget, until: now.Add(turnTime)}
			t.run(ctx, step, now)
			now = time.Now()
			wait, why = w.downstream(f, now)
		}
	}
	f.show(why)
	if wait > 0 {
		return wait
	}
	_, wait = f.work.dir.Next(now)
	return min(wait, f.work.due(now))
}

// takeHints takes over what was reported of the folder, and requested, since the last turn.
func (f *folder) takeHints(now time.Time) {
	k := &f.work
	h := f.hints.Take()
	marked, reruns := f.requests.take()
	k.rerun(reruns)
	if k.dir.Away() {
		return
	}
	if h.Doubted {
		k.dir.Doubt(now)
	}
	if h.Overflowed {
		k.dir.Overflowed(now)
	}
	if marked {
		k.dir.Doubt(now.Add(k.scanTook)) // at most half the time is spent on scans
	}
	many := h.Crowded || len(k.hinted) > notify.MaxNames
	if h.Overflowed || many {
		k.distrustNames()
	}
	if many {
		k.dir.Doubt(now.Add(k.scanTook))
		return
	}
	for name, how := range h.Names {
		k.changed(name, how)
		if c := k.pending[name]; c != nil && how != notify.Arrived && c.due.Sub(now) <= k.rule.Quiet {
			continue // looked at soon enough
		}
		k.hinted = append(k.hinted, name)
	}
}

// run opens the folder and works on what is due in it: names that something was reported of, files that waited, then
// the scan. Before a scan begins, the folder is watched.
func (t *turn) run(ctx context.Context, step settle.Step, now time.Time) {
	f, k := t.f, t.k
	var err error
	if t.at, err = stage.Open(t.w.cfg.Drives, f.task.path, f.below, &f.activity); err != nil {
		t.w.unavailable(f, err, now)
		return
	}
	defer t.at.Close()
	if t.at.ID != k.id {
		t.w.replaced(f, t.at, now)
		step = settle.FullScan
	}
	if step != settle.Rest && k.scan == nil {
		if f.leadsBack(t.w.cfg.Drives, t.at) {
			t.w.unavailable(f, errLeadsBack, now)
			return
		}
		t.w.arm(f, t.at, now)
		if err := k.beginScan(t.at, step, now); err != nil {
			t.w.unavailable(f, err, now)
			return
		}
	}
	for len(k.hinted) > 0 && t.goesOn(ctx) {
		last := len(k.hinted) - 1
		name := k.hinted[last]
		k.hinted = k.hinted[:last]
		t.consider(ctx, name)
	}
	for name, c := range k.pending {
		if !t.goesOn(ctx) {
			break
		}
		if !c.due.After(now) {
			t.consider(ctx, name)
		}
	}
	t.scan(ctx)
	t.flush(ctx)
	_ = t.settle(ctx) // files that failed stay pending
	if k.crowded > 0 && k.scan == nil && len(k.pending) <= maxPending/2 {
		k.dir.Again(time.Now().Add(k.scanTook))
	}
}

// arm has the folder watched, before it is scanned: the scan sees what came before, and what comes after is reported.
func (w *Watcher) arm(f *folder, at *stage.Folder, now time.Time) {
	k := &f.work
	if k.dir.Deaf(now) {
		w.disarm(f)
		return
	}
	err := k.mount.watchable()
	if err == nil {
		err = notify.FewEnough(at.Root)
	}
	var path string
	if err == nil {
		path, err = realPath(at.Dir, f.host)
	}
	if err == nil && path != k.watchedPath {
		w.disarm(f)
	}
	if err == nil {
		err = w.notifier.Watch(f, path)
	}
	if err == nil { // it is watched by its name
		if s, serr := stage.StatPath(path); serr != nil || s.Identity() != at.ID {
			w.notifier.Drop(f, path)
			err = errMoved
		}
	}
	if err != nil {
		w.disarm(f)
		k.dir.Unwatched(err.Error(), now)
		return
	}
	k.watchedPath = path
	k.dir.Watched(now)
}

// disarm ends the watch of a folder.
func (w *Watcher) disarm(f *folder) {
	if f.work.watchedPath != "" {
		w.notifier.Drop(f, f.work.watchedPath)
		f.work.watchedPath = ""
	}
}

// beginScan begins a scan of the directory.
func (k *work) beginScan(at *stage.Folder, step settle.Step, now time.Time) error {
	dir, err := at.List()
	if err != nil {
		return err
	}
	k.scan = &scan{dir: dir, full: step == settle.FullScan, began: now}
	k.crowded, k.unmarked = 0, 0
	k.known.begin()
	k.dir.Begun(step, now)
	return nil
}

// endScan ends a scan, complete or not.
func (k *work) endScan() {
	if k.scan != nil {
		_ = k.scan.dir.Close() // was only read
		k.scan = nil
	}
}

// consider looks at one name. A complete file goes into the batch; one that is not waits; any other is forgotten.
func (t *turn) consider(ctx context.Context, name string) {
	f, k := t.f, t.k
	c := k.pending[name]
	if c != nil && c.batched {
		return
	}
	lacked, isNew := k.bare[name], k.arrived[name]
	delete(k.arrived, name)
	f.activity.Touch()
	s, err := t.at.Stat(name)
	now := time.Now()
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !(s.Regular && f.task.watch.Includes(f.subPath(name))):
		k.forget(name)
		if s.Folder && f.task.watch.Recursive {
			t.w.addSub(f, name, s)
		}
		return
	case err != nil:
		t.unreadable(k.candidate(name), err, now)
		return
	case k.known.knows(name, s.Stat), !t.marked(name, s.Stat, now):
		delete(k.pending, name)
		return
	}
	if k.scan != nil {
		k.scan.found = true
	}
	if c == nil && t.unhinted && now.Sub(time.Unix(0, s.Changed)) > t.w.unannounced && k.dir.Unannounced(now) {
		t.w.meter.unreported.Inc()
	}
	c = k.candidate(name)
	if !lacked.since.IsZero() {
		c.seen = lacked.since
	}
	c.saw(s.Stat, now)
	if isNew {
		c.file.Named()
	}
	if f.task.watch.Marker != "" {
		c.file.Mark()
	}
	action, wait := c.file.Observe(k.rule, s.Stat, now)
	if action == settle.Wait {
		k.postpone(c, now.Add(wait))
		return
	}
	c.action, c.due, c.batched, c.complete = action, now, true, time.Now()
	k.pending[name] = c
	t.batch = append(t.batch, c)
	if t.left--; len(t.batch) == maxBatch {
		t.flush(ctx)
	}
}

// goesOn reports whether the turn may work on more files.
func (t *turn) goesOn(ctx context.Context) bool {
	now := time.Now()
	if t.left <= 0 || now.After(t.until) && t.w.queue.waits() || t.f.stopped.Load() || ctx.Err() != nil {
		return false
	}
	wait, _ := t.w.downstream(t.f, now)
	return wait == 0
}

// marked reports whether a file needs no marker, or has it. A scan counts those that lack it.
func (t *turn) marked(name string, s settle.Stat, now time.Time) bool {
	watch := t.f.task.watch
	if watch.Marker == "" {
		return true
	}
	m, err := t.at.Stat(watch.MarkerOf(name))
	if err == nil && m.Regular && settle.Marks(m.Stat, s, now) {
		delete(t.k.bare, name)
		return true
	}
	t.k.lacks(name, now)
	if t.scanning {
		t.k.unmarked++
	}
	return false
}

// unreadable postpones a file whose stat or content cannot be read.
func (t *turn) unreadable(c *candidate, err error, now time.Time) {
	if !c.logged {
		t.f.log().Warn("a file cannot be read: it waits", "file", c.name, "error", err.Error())
		c.logged = true
	}
	c.setReason(events.FileUnreadable, drive.Reason(err), now)
	t.k.busy(c, now)
}
