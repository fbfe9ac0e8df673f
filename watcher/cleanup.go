package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"spool.internal/events"
)

// retryChore is how long a clean-up waits after it failed.
const retryChore = time.Second

// chore is to remove the traces of a deleted job: its ledger and its stages.
type chore struct {
	jobID   string
	folders []*folder // whose work must have ended first
}

// cleaner holds the chores. They are idempotent: every start does them again
// for every deletion that JOBS remembers.
type cleaner struct {
	mu     sync.Mutex
	chores []chore
	some   chan struct{} // of size 1
}

// keep puts a chore back.
func (c *cleaner) keep(ch chore) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chores = append(c.chores, ch)
}

// add puts a chore in and wakes the cleaner.
func (c *cleaner) add(ch chore) {
	c.keep(ch)
	select {
	case c.some <- struct{}{}:
	default:
	}
}

func (c *cleaner) take() []chore {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.chores
	c.chores = nil
	return all
}

// clean does the chores until ctx ends. It begins when all jobs are known, and
// with them the drives on which a deleted job can have left something.
func (w *Watcher) clean(ctx context.Context) {
	select {
	case <-w.loaded:
		w.findStrays(ctx)
	case <-ctx.Done():
		return
	}
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		for _, ch := range w.cleaner.take() {
			if err := w.cleanUp(ctx, ch); err != nil && ctx.Err() == nil {
				w.cfg.Log.Warn("a deleted job cannot be cleaned up yet", "job_id", ch.jobID, "error", err.Error())
				w.cleaner.keep(ch)
				again.Reset(retryChore)
			}
		}
		select {
		case <-w.cleaner.some:
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *Watcher) cleanUp(ctx context.Context, ch chore) error {
	for _, f := range ch.folders {
		select {
		case <-f.gone:
		case <-time.After(retryChore):
			return errors.New("its folder is still being read")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := w.cfg.Bus.Purge(ctx, events.StreamFiles, events.SeenOf(ch.jobID), 0); err != nil {
		return err
	}
	for _, filter := range []string{events.AgainOf(ch.jobID), events.HeldOf(ch.jobID)} {
		if err := w.cfg.Bus.Purge(ctx, events.StreamFiles, filter, 0); err != nil {
			return err
		}
	}
	return w.eachDrive(func(stages *os.Root) error { return stages.RemoveAll(ch.jobID) })
}

// eachDrive calls f with the folder of the stages of each drive that a job has
// used since the start, where there is one.
func (w *Watcher) eachDrive(f func(stages *os.Root) error) error {
	for _, p := range w.drives() {
		stages, err := w.stagesOf(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open stages: %w", err)
		}
		if err := errors.Join(f(stages), stages.Close()); err != nil {
			return fmt.Errorf("stages: %w", err)
		}
	}
	return nil
}

// stagesOf opens the folder of the stages of a drive. No link leads to it, or
// what is removed there would be removed elsewhere.
func (w *Watcher) stagesOf(p events.Path) (*os.Root, error) {
	return w.cfg.Drives.OpenDir(w.cfg.Drives.Base(p).Join(events.StageRoot))
}

// stagedJobs lists the jobs that have stages on a drive.
func stagedJobs(stages *os.Root) ([]string, error) {
	dir, err := stages.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	return dir.Readdirnames(-1)
}

// drives gives a path on each drive that a job has used since the start.
func (w *Watcher) drives() []events.Path {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]events.Path, 0, len(w.roots))
	for _, p := range w.roots {
		all = append(all, p)
	}
	return all
}

// findStrays looks for jobs that were deleted so long ago that JOBS has
// forgotten it. What has no entry in this ledger is left alone: drives can be
// shared with another Spool.
func (w *Watcher) findStrays(ctx context.Context) {
	for _, p := range w.drives() {
		stages, err := w.stagesOf(p)
		if err != nil {
			continue // none, or its folders say so
		}
		ids, err := stagedJobs(stages)
		if err = errors.Join(err, stages.Close()); err != nil {
			w.cfg.Log.Warn("stages cannot be listed", "path", stages.Name(), "error", err.Error())
		}
		for _, id := range ids {
			if w.stray(ctx, id) {
				w.cleaner.add(chore{jobID: id})
			}
		}
	}
}

func (w *Watcher) stray(ctx context.Context, jobID string) bool {
	w.mu.Lock()
	watched := w.folders[jobID] != nil
	w.mu.Unlock()
	if watched {
		return false
	}
	if _, err := w.cfg.Bus.Job(ctx, jobID); events.CodeOf(err) != events.NotFound {
		return false
	}
	_, ours, err := w.cfg.Bus.Last(ctx, events.StreamFiles, events.SeenOf(jobID))
	return ours && err == nil
}
