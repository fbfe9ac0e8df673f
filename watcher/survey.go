package watcher

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/watcher/stage"
)

// resident is one stage as a survey finds it.
type resident struct {
	fingerprint, file string    // file: the name in it; empty when there is none
	used              time.Time // when it was made, or last seen to be needed
}

// survey looks at all stages, and removes those that nobody will read: of runs
// that have ended, of files that left the queue longer ago than the retention,
// and after an hour those that were given up before their file was queued, with
// what lies beside them under a temporary name.
func (w *Watcher) survey(ctx context.Context, now time.Time) error {
	named, err := w.namedByRuns(ctx)
	if err != nil {
		return err
	}
	return w.eachDrive(func(stages *os.Root) error {
		ids, err := stagedJobs(stages)
		for _, id := range ids {
			err = errors.Join(err, w.surveyJob(ctx, stages, id, named, now))
		}
		return err
	})
}

func (w *Watcher) surveyJob(ctx context.Context, stages *os.Root, jobID string, named map[stage.ID]bool, now time.Time) error {
	rev, err := w.cfg.Bus.Job(ctx, jobID)
	if events.CodeOf(err) == events.NotFound {
		return nil // the cleaner's, or another Spool's
	}
	if err != nil {
		return err
	}
	p, err := events.ParseParameters(rev.Event.Job.Parameters)
	if err != nil {
		return nil // said when it was read first
	}
	if err := w.namedByWork(ctx, jobID, named); err != nil {
		return err
	}
	root, err := w.cfg.Drives.Below(stages, jobID)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	s := surveyor{Watcher: w, job: rev.Event.Job, deep: p.Options.Watch.Recursive, root: root, named: named, now: now}
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(someStages)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = s.judge(ctx, entries)
		}
		if err != nil {
			return err
		}
		time.Sleep(surveyPause)
	}
	return nil
}

// surveyor looks at the stages of one job on one drive.
type surveyor struct {
	*Watcher
	job   events.Job
	deep  bool // files lie in folders below the job's, too
	root  *os.Root
	named map[stage.ID]bool
	now   time.Time
}

func (s *surveyor) judge(ctx context.Context, entries []fs.DirEntry) error {
	var all []resident
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."):
			if info, err := e.Info(); err == nil && s.now.Sub(info.ModTime()) > orphanAfter {
				_ = s.root.RemoveAll(name) // one that stays is found again
			}
		case len(name) == stage.FingerprintLength && e.IsDir():
			all = append(all, s.inspect(name))
		}
	}
	fingerprints, ends, seen := make([]string, len(all)), make([]string, len(all)), make([]string, len(all))
	for i, r := range all {
		fingerprints[i] = r.fingerprint
		run := events.FlowJobID(s.job.Username, events.FileTriggerID(s.job.ID, r.fingerprint))
		ends[i] = events.RunSubject(events.Ended, s.job.ID, run)
		seen[i] = events.SeenSubject(s.job.ID, r.file, r.fingerprint)
	}
	queued, err1 := s.queued(ctx, s.job.ID, fingerprints)
	ended, err2 := s.cfg.Bus.Known(ctx, events.StreamRunEvents, ends)
	known, err3 := s.cfg.Bus.Known(ctx, events.StreamFiles, seen)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	var errs []error
	for i, r := range all {
		age := s.now.Sub(r.used)
		switch {
		case queued[i], s.named[stage.ID{JobID: s.job.ID, Fingerprint: r.fingerprint}]:
			_ = s.root.Chtimes(path.Join(r.fingerprint, "input"), s.now, s.now) // from now on its age counts
		case ended[i], age > s.cfg.Retention, age > orphanAfter && !known[i] && (!s.deep || r.file == ""):
			errs = append(errs, s.root.RemoveAll(r.fingerprint))
		}
	}
	return errors.Join(errs...)
}

func (s *surveyor) inspect(fingerprint string) resident {
	r := resident{fingerprint: fingerprint, used: s.now}
	dir, err := s.root.Open(path.Join(fingerprint, "input"))
	if err != nil {
		dir, err = s.root.Open(fingerprint) // cut off between the two
	}
	if err != nil {
		return r
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	if info, err := dir.Stat(); err == nil {
		r.used = info.ModTime()
	}
	if names, err := dir.Readdirnames(1); err == nil && len(names) == 1 {
		r.file = names[0]
	}
	return r
}
