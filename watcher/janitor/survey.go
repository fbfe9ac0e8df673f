package janitor

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/watcher/stage"
)

// found is one stage, as a survey finds it.
type found struct {
	folder, fingerprint string
	file                string    // the name in it; empty when there is none
	used                time.Time // when it was made, or last seen to be needed
}

// surveyStages removes the stages that no run will read: of runs that have ended, of files that left the queue longer
// ago than the retention, and after an hour those that were given up before their file was queued, with the temporary
// files beside them.
func (j *Janitor) surveyStages(ctx context.Context, now time.Time) error {
	needed, err := j.neededByRuns(ctx)
	if err != nil {
		return err
	}
	return j.eachDrive(func(stages *os.Root) error {
		ids, err := stagedJobs(stages)
		for _, id := range ids {
			err = errors.Join(err, j.surveyJob(ctx, stages, id, needed, now))
		}
		return err
	})
}

func (j *Janitor) surveyJob(ctx context.Context, stages *os.Root, jobID string, needed map[stage.ID]bool, now time.Time) error {
	rev, err := j.cfg.Bus.Job(ctx, jobID)
	if events.CodeOf(err) == events.NotFound {
		return nil // for the clean-up of deleted jobs, or another Spool's
	}
	if err != nil {
		return err
	}
	p, err := events.ParseParameters(rev.Event.Job.Parameters)
	if err != nil {
		return nil // the log said so when the job was read
	}
	if err := j.neededByWork(ctx, jobID, needed); err != nil {
		return err
	}
	root, err := j.cfg.Drives.Below(stages, jobID)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing was written through it
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	s := surveyor{j: j, job: rev.Event.Job, deep: p.Options.Watch.Recursive, root: root, needed: needed, now: now}
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(someStages)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = s.tidy(ctx, entries)
		}
		if err != nil {
			return err
		}
		_ = wait.Sleep(ctx, surveyPause) // the loop sees that ctx has ended
	}
	return nil
}

// surveyor looks at the stages of one job on one drive.
type surveyor struct {
	j      *Janitor
	job    events.Job
	deep   bool // files lie in folders below the job's, too
	root   *os.Root
	needed map[stage.ID]bool
	now    time.Time
}

// tidy removes those of some stages that nothing needs, and renews the time of those that are needed.
func (s *surveyor) tidy(ctx context.Context, entries []fs.DirEntry) error {
	var all []found
	for _, e := range entries {
		name := e.Name()
		fingerprint, ok := stage.FingerprintOf(name)
		switch {
		case strings.HasPrefix(name, "."):
			if info, err := e.Info(); err == nil && s.now.Sub(info.ModTime()) > orphanAfter {
				_ = s.root.RemoveAll(name) // one that stays is found again
			}
		case ok && e.IsDir():
			all = append(all, s.inspect(name, fingerprint))
		}
	}
	folders := make([]string, len(all))
	runs := make([]string, len(all))
	var ends jet.View[events.RunEvent]
	var seen jet.View[struct{}]
	for i, r := range all {
		folders[i] = r.folder
		run := events.FlowJobID(s.job.Username, events.FileTriggerID(s.job.ID, r.fingerprint))
		runs[i] = run
		ends = ends.And(s.j.cfg.Bus.Run(events.Ended, s.job.ID, run))
		seen = seen.And(s.j.cfg.Bus.SeenFile(events.SeenFile{JobID: s.job.ID, Path: r.file, Fingerprint: r.fingerprint}))
	}
	queued, err1 := s.j.queued(ctx, s.job.ID, folders)
	ok, err2 := endedOK(ctx, ends)
	known, err3 := seen.Sure().Known(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	var errs []error
	for i, r := range all {
		age := s.now.Sub(r.used)
		switch {
		case queued[i], s.needed[stage.ID{JobID: s.job.ID, Folder: r.folder}]:
			_ = s.root.Chtimes(stage.Within(r.folder), s.now, s.now) // from now on its age counts
		case ok[runs[i]], age > s.j.cfg.Retention, age > orphanAfter && !known[i] && (!s.deep || r.file == ""):
			errs = append(errs, s.root.RemoveAll(r.folder))
		}
	}
	return errors.Join(errs...)
}

// endedOK gives the runs that have ended ok: one that failed may be run again.
func endedOK(ctx context.Context, ends jet.View[events.RunEvent]) (map[string]bool, error) {
	ok := map[string]bool{}
	err := ends.Sure().LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
		if ev, err := m.Value(); err == nil && ev.Judged() == events.OutcomeOK {
			ok[ev.FlowJobID] = true
		}
	})
	return ok, err
}

// inspect says what is in a stage, and since when.
func (s *surveyor) inspect(folder, fingerprint string) found {
	r := found{folder: folder, fingerprint: fingerprint, used: s.now}
	dir, err := s.root.Open(stage.Within(folder))
	if err != nil {
		dir, err = s.root.Open(folder) // cut off between the two
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
