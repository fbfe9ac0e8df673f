package janitor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// retryChore is how long a clean-up waits after it failed.
const retryChore = time.Second

// chore is to remove the traces of a deleted job: its ledger and its stages.
type chore struct {
	jobID   string
	folders []<-chan struct{} // closed when the work on its folders has ended, which must come first
}

// cleaner holds the chores. They are idempotent: every start does them again for every deletion that JOBS remembers.
type cleaner struct {
	mu     sync.Mutex
	chores []chore
	some   wait.Wake
}

// keep puts a chore back.
func (c *cleaner) keep(ch chore) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chores = append(c.chores, ch)
}

func (c *cleaner) take() []chore {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.chores
	c.chores = nil
	return all
}

// JobDeleted asks for the traces of a deleted job to be removed: its ledger entries, and its stages on every drive. It
// returns at once; the work begins when all of the channels are closed.
func (j *Janitor) JobDeleted(jobID string, folders ...<-chan struct{}) {
	j.cleaner.keep(chore{jobID: jobID, folders: folders})
	j.cleaner.some.Set()
}

// clean does the chores until ctx ends. All jobs are known by then, and with them the drives on which a deleted job
// can have left something.
func (j *Janitor) clean(ctx context.Context) {
	j.findStrays(ctx)
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		for _, ch := range j.cleaner.take() {
			if err := j.cleanUp(ctx, ch); err != nil && ctx.Err() == nil {
				j.cfg.Log.Warn("a deleted job cannot be cleaned up yet", "job_id", ch.jobID, "error", err.Error())
				j.cleaner.keep(ch)
				again.Reset(retryChore)
			}
		}
		select {
		case <-j.cleaner.some:
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (j *Janitor) cleanUp(ctx context.Context, ch chore) error {
	for _, ended := range ch.folders {
		select {
		case <-ended:
		case <-time.After(retryChore):
			return errors.New("its folder is still being read")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	bus := j.cfg.Bus
	for _, clearAll := range []func(context.Context) error{
		bus.Seen(ch.jobID).Clear, bus.Reruns(ch.jobID).Clear, bus.HeldFiles(ch.jobID).Clear,
	} {
		if err := clearAll(ctx); err != nil {
			return err
		}
	}
	return j.eachDrive(func(stages *os.Root) error { return stages.RemoveAll(ch.jobID) })
}

// eachDrive calls f with the folder of the stages of each drive that a job has used since the start, where there is one.
func (j *Janitor) eachDrive(f func(stages *os.Root) error) error {
	for _, p := range j.cfg.Jobs.Drives() {
		stages, err := j.stagesOf(p)
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

// stagesOf opens the folder of the stages of a drive. It follows no link: what is removed there would be removed
// elsewhere.
func (j *Janitor) stagesOf(p events.Path) (*os.Root, error) {
	return j.cfg.Drives.OpenDir(j.cfg.Drives.Base(p).Join(events.StageRoot))
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

// findStrays finds the stages of jobs that were deleted so long ago that JOBS has forgotten it. Stages without an entry
// in this ledger are left alone: drives can be shared with another Spool.
func (j *Janitor) findStrays(ctx context.Context) {
	for _, p := range j.cfg.Jobs.Drives() {
		stages, err := j.stagesOf(p)
		if err != nil {
			continue // none, or its folders say so
		}
		ids, err := stagedJobs(stages)
		if err = errors.Join(err, stages.Close()); err != nil {
			j.cfg.Log.Warn("stages cannot be listed", "path", stages.Name(), "error", err.Error())
		}
		for _, id := range ids {
			if j.stray(ctx, id) {
				j.JobDeleted(id)
			}
		}
	}
}

func (j *Janitor) stray(ctx context.Context, jobID string) bool {
	if j.cfg.Jobs.Watches(jobID) {
		return false
	}
	if _, err := j.cfg.Bus.Job(ctx, jobID); events.CodeOf(err) != events.NotFound {
		return false
	}
	_, ours, err := j.cfg.Bus.Seen(jobID).Last(ctx)
	return ours && err == nil
}
