package watcher

import (
	"context"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/watcher/settle"
)

// apply brings the folders up to date with one revision of a job. Whether the job is enabled makes no difference: its
// files are taken, and wait in the queue.
func (w *Watcher) apply(r events.JobRevision) {
	job := r.Event.Job
	log := w.cfg.Log.With("job_id", job.ID)
	if job.ID == "" || strings.ContainsAny(job.ID, `./\`) {
		log.Error("a job has an id that can name no folder")
		return
	}
	w.held.askReview()
	if r.Gone() {
		w.remove(job.ID, true)
		return
	}
	p, err := events.ParseParameters(job.Parameters)
	if err != nil {
		log.Error("the parameters of a job cannot be read: its folder is left as it was", "error", err.Error())
		return
	}
	if !p.Spooled {
		w.remove(job.ID, false)
		return
	}
	want := task{path: p.InputDir, out: p.OutputDir(), watch: p.Options.Watch, after: p.Options.After}
	if want.watch.IgnoreInitial {
		// A file's times can be a tick behind the clock that stamped the job.
		want.before = job.CreatedOnNS - int64(minQuiet)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	all, err := w.places(ctx)
	cancel()
	v := w.lies(all, err, want.path)
	want = w.at(want, v)
	w.mu.Lock()
	defer w.mu.Unlock()
	f, away := w.folders[job.ID], w.elsewhere[job.ID]
	if f != nil && reflect.DeepEqual(f.task, want) {
		f.now.update(r)
		return
	}
	now := &current{owner: job.Username}
	now.update(r)
	if f != nil {
		w.stop(f)
		delete(w.folders, job.ID)
	}
	delete(w.elsewhere, job.ID)
	if v.here {
		w.watch(job.ID, want, now, v)
		return
	}
	w.elsewhere[job.ID] = &elsewhere{task: want, now: now, why: v.why, since: time.Now(), said: f != nil || away != nil && away.said}
	w.changed.add(job.ID)
}

// update notes the newest revision.
func (c *current) update(r events.JobRevision) {
	c.seq.Store(r.Seq)
	c.exempt.Store(r.Event.Job.ByAdmin())
}

// newFolder makes the folder of a job, or of a directory below it; the watcher is locked.
func (w *Watcher) newFolder(jobID string, t task, below string, now *current) *folder {
	f := &folder{
		jobID: jobID, task: t, below: below, now: now, allotted: w.allotments.of(now.owner),
		host: filepath.Join(w.cfg.Drives.HostPath(t.path), filepath.FromSlash(below)),
		logs: w.cfg.Log, gone: make(chan struct{}),
		work: work{
			dir: settle.NewFolder(w.cfg.Sweep, time.Now()), rule: w.rule(t.watch, settle.Local), known: newMemory(),
			pending: map[string]*candidate{}, arrived: map[string]bool{}, generations: maps.Clone(w.generations[jobID]),
		},
	}
	if w.cfg.LinkAbove != 0 {
		f.work.links = w.links
	}
	f.wake = func() { w.queue.push(f) }
	f.stateChanged = func() { w.changed.add(jobID) }
	return f
}

// rule returns how long the files of a job must be unchanged on such a file system.
func (w *Watcher) rule(watch events.Watch, t settle.Trust) settle.Rule {
	r := settle.Rule{Quiet: w.cfg.Quiet, Slow: w.cfg.QuietSlow, Remote: t == settle.Remote}
	if r.Remote {
		r.Slow = w.cfg.QuietRemote
	}
	if watch.QuietMS >= 0 {
		r.Quiet = max(minQuiet, time.Duration(watch.QuietMS)*time.Millisecond)
		r.Slow = max(r.Slow, r.Quiet)
	}
	return r
}

// remove stops watching for a job; when the job is deleted, its traces go too.
func (w *Watcher) remove(jobID string, deleted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.elsewhere, jobID)
	var stopped []<-chan struct{}
	if f := w.folders[jobID]; f != nil {
		delete(w.folders, jobID)
		for _, f := range w.stop(f) {
			stopped = append(stopped, f.gone)
		}
	}
	if deleted {
		delete(w.generations, jobID)
		w.janitor.JobDeleted(jobID, stopped...)
	}
}

// stop has a folder and all below it retired by the next workers that take them, and returns them.
func (w *Watcher) stop(f *folder) []*folder {
	all := f.tree()
	for _, f := range all {
		f.stopped.Store(true)
		w.queue.push(f)
	}
	return all
}

// jobIDs returns the jobs of whose folders something is said now.
func (w *Watcher) jobIDs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Keys(w.folders)), maps.Keys(w.elsewhere))
}

// allFolders returns the folders that are watched now, with all below them.
func (w *Watcher) allFolders() []*folder {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*folder
	for _, f := range w.folders {
		all = append(all, f.tree()...)
	}
	return all
}
