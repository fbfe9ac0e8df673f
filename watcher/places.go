package watcher

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// When it is looked which drives are served here and elsewhere, and for how long after the start a drive
// that nobody serves may be that of a machine that starts, too.
var (
	placesEvery = 5 * time.Second
	placesStart = events.RoleEvery + 5*time.Second
)

// elsewhere is a job whose folder lies on a drive of other machines: it is not looked at here.
type elsewhere struct {
	task  task
	now   *current
	why   string    // no machine serves it: who did until when; empty = one does, or that is not known
	since time.Time // when that was found
	said  bool      // STATE has something of this machine on the folder
}

// verdict is whether a folder is watched here.
type verdict struct {
	here, shared bool
	several      bool   // it is on a drive that each of several machines has for itself
	why          string // see [elsewhere]
}

// lies judges where the folder at a path is to be watched. A drive that no machine has, and had, is
// looked for here, as its job says so.
func (w *Watcher) lies(all events.Places, err error, p events.Path) verdict {
	place := w.cfg.Drives.Place()
	if place == "" {
		return verdict{here: true}
	}
	there, away := all.Watched(p)
	others := 0
	for _, is := range append(there, away...) {
		if is.Name != place {
			others++
		}
	}
	if here, shared := w.cfg.Drives.Serves(p); here {
		return verdict{here: true, shared: shared, several: !shared && (others > 0 || err != nil)}
	}
	switch {
	case err != nil:
		return verdict{}
	case others == 0:
		return verdict{here: time.Since(w.started) > placesStart}
	}
	for _, is := range there {
		if is.Name != place { // what this one says of itself can be older than what it sees
			return verdict{}
		}
	}
	return verdict{why: all.Nobody(p, away)}
}

// places reads which drives are where.
func (w *Watcher) places(ctx context.Context) (events.Places, error) {
	if w.cfg.Drives.Place() == "" || w.cfg.Places == nil {
		return events.Places{}, nil
	}
	return w.cfg.Places(ctx)
}

// followPlaces takes over folders whose drives have come here, and lets go of those whose drives are
// elsewhere, until ctx ends.
func (w *Watcher) followPlaces(ctx context.Context) {
	if w.cfg.Drives.Place() == "" {
		return
	}
	for wait.Sleep(ctx, wait.Whole(placesEvery)) == nil {
		all, err := w.places(ctx)
		w.mu.Lock()
		tasks := map[string]task{}
		for id, f := range w.folders {
			tasks[id] = f.task
		}
		for id, e := range w.elsewhere {
			tasks[id] = e.task
		}
		w.mu.Unlock()
		verdicts := map[events.Path]verdict{}
		for _, t := range tasks {
			if _, ok := verdicts[t.path]; !ok {
				verdicts[t.path] = w.lies(all, err, t.path) // can wait for a disk: not under the lock
			}
		}
		for id, t := range tasks {
			w.place(id, t, verdicts[t.path], err == nil)
		}
	}
}

// place follows a verdict about the folder of a job. While the others are not known nothing is let go of.
func (w *Watcher) place(id string, t task, v verdict, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, e := w.folders[id], w.elsewhere[id]
	switch {
	case f != nil && f.task.path == t.path && v.here:
		f.several.Store(v.several)
	case f != nil && f.task.path == t.path && known:
		delete(w.folders, id)
		w.stop(f)
		w.elsewhere[id] = &elsewhere{task: f.task, now: f.now, said: true, why: v.why, since: time.Now()}
		w.changed.add(id)
	case e != nil && e.task.path == t.path && v.here:
		delete(w.elsewhere, id)
		w.watch(id, w.at(e.task, v), e.now, v)
		w.changed.add(id)
	case e != nil && e.task.path == t.path && e.why != v.why:
		e.why, e.since = v.why, time.Now()
		w.changed.add(id)
	}
}

// at is a task where it is done: its triggers name the machine whose drive it is.
func (w *Watcher) at(t task, v verdict) task {
	if t.shared, t.place = v.shared, ""; !v.shared {
		t.place = w.cfg.Drives.Place()
	}
	return t
}

// watch begins to watch the folder of a job; w is locked.
func (w *Watcher) watch(id string, t task, now *current, v verdict) {
	f := w.newFolder(id, t, "", now)
	f.several.Store(v.several)
	w.folders[id] = f
	root, _ := w.cfg.Drives.Locate(t.path)
	w.roots[root] = t.path
	w.queue.push(f)
}

// state is what is said of the folder of a job that is not watched here; ok is false when that is
// nothing. w is locked.
func (w *Watcher) elsewhereState(id string) (s events.WatchState, ok bool) {
	e := w.elsewhere[id]
	if e == nil || e.why == "" && !e.said {
		return s, false
	}
	s = events.WatchState{JobID: id, Place: w.cfg.Drives.Place()}
	if e.said = e.why != ""; e.said {
		s.State, s.Unserved, s.Reason, s.Since = events.FolderBlocked, true, e.why, e.since.UTC()
	}
	return s, true
}

// ranAway reports whether a run writes into a folder of another machine: that of the same name here is
// another one.
func (w *Watcher) ranAway(ev events.RunEvent, out events.Path) bool {
	here, shared := w.cfg.Drives.Serves(out)
	return !here || !shared && ev.Place != "" && w.cfg.Drives.Place() != "" && ev.Place != w.cfg.Drives.Place()
}

// sharedElsewhere reports whether a path is on a shared drive of other machines, of which one is there.
func (w *Watcher) sharedElsewhere(p events.Path) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	all, err := w.places(ctx)
	there, away := all.Watched(p)
	for _, is := range append(there, away...) {
		if is.Shares(p) {
			return true
		}
	}
	return err != nil
}
