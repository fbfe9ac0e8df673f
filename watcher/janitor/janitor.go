package janitor

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/watcher/stage"
)

// When stages are looked at, and when those go that no run will read.
const (
	tidyEvery   = time.Minute      // those whose runs have ended since
	surveyEvery = time.Hour        // all of them, and the ledger
	surveyFirst = time.Minute      // after the start
	orphanAfter = time.Hour        // no ledger entry, no work
	maxEnded    = 100_000          // more are left to the next survey
	someStages  = 500              // asked about at a time
	surveyPause = time.Millisecond // between two such questions
)

// Config of a janitor; all is required.
type Config struct {
	Bus       *jet.Bus
	Drives    *drive.Drives
	Log       *slog.Logger
	Retention time.Duration // how long a stage is kept after its file left the queue
	Jobs      Jobs
}

// Jobs is what a janitor asks the watcher. Its methods are called from any goroutine, and must not block for long.
type Jobs interface {
	Known() <-chan struct{} // closed when every job is known
	Drives() []events.Path  // a path on each drive that a job has used since the start
	Readable() map[string]Folder
	Watches(jobID string) bool // whether the job has a folder here
}

// Folder is the folder of a job that can be read now.
type Folder struct {
	Path      events.Path
	Recursive bool
}

// Janitor removes stages and ledger entries that nothing needs any more.
type Janitor struct {
	cfg     Config
	cleaner cleaner

	absent map[string]*absence // by job id; of the goroutine that surveys

	mu    sync.Mutex
	ended map[stage.ID]bool // the stages of runs that have ended since they were last looked at
}

// New makes a janitor; it starts nothing.
func New(cfg Config) *Janitor {
	return &Janitor{
		cfg: cfg, cleaner: cleaner{some: wait.NewWake()}, absent: map[string]*absence{}, ended: map[stage.ID]bool{},
	}
}

// Run works until ctx ends, and returns when everything that it has started has ended. It begins when every job is known.
func (j *Janitor) Run(ctx context.Context) {
	select {
	case <-j.cfg.Jobs.Known():
	case <-ctx.Done():
		return
	}
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() { j.clean(ctx) })
	others.Go(func() {
		for ctx.Err() == nil { // cut off for long it begins anew; the survey finds what it missed
			_ = j.cfg.Bus.Runs(events.Ended, "").Follow(ctx, jet.Newest, j.runEnded)
		}
	})
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	survey := time.NewTimer(surveyFirst)
	defer survey.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err = j.RemoveEnded(ctx)
		case <-survey.C:
			survey.Reset(surveyEvery)
			err = j.Survey(ctx, time.Now())
		}
		if err != nil && ctx.Err() == nil {
			j.cfg.Log.Warn("stages and ledger cannot be tidied now", "error", err.Error())
		}
	}
}

// Survey looks at all stages and at the whole ledger, as Run does every hour, and removes what nothing needs any more
// at a time. It must not be called while Run surveys.
func (j *Janitor) Survey(ctx context.Context, now time.Time) error {
	return errors.Join(j.surveyStages(ctx, now), j.purgeLedgers(ctx, now))
}

// runEnded remembers the stage of a run that has ended ok. One that failed keeps its
// stage for as long as the retention, since it may be run again.
func (j *Janitor) runEnded(m jet.Entry[events.RunEvent]) {
	ev, err := m.Value()
	if err != nil || ev.Judged() != events.OutcomeOK {
		return // of another version, or the survey's
	}
	id, ok := stage.Of(ev.InputDir)
	j.mu.Lock()
	defer j.mu.Unlock()
	if ok && len(j.ended) < maxEnded {
		j.ended[id] = true
	}
}

// RemoveEnded removes the stages of runs that have ended ok since it was last called, unless work or a dead letter needs
// them; those the survey removes later.
func (j *Janitor) RemoveEnded(ctx context.Context) error {
	j.mu.Lock()
	ended := j.ended
	j.ended = map[stage.ID]bool{}
	j.mu.Unlock()
	byJob := map[string][]string{}
	for id := range ended {
		byJob[id.JobID] = append(byJob[id.JobID], id.Folder)
	}
	if len(byJob) == 0 {
		return nil
	}
	needed, err := j.neededByRuns(ctx)
	for jobID, folders := range byJob {
		if err == nil {
			err = j.removeUnneeded(ctx, jobID, folders, needed)
		}
	}
	return err
}

// removeUnneeded removes those of a job's stages that nothing needs, on every drive.
func (j *Janitor) removeUnneeded(ctx context.Context, jobID string, folders []string, needed map[stage.ID]bool) error {
	if err := j.neededByWork(ctx, jobID, needed); err != nil {
		return err
	}
	queued, err := j.queued(ctx, jobID, folders)
	if err != nil {
		return err
	}
	return j.eachDrive(func(stages *os.Root) error {
		var errs []error
		for i, folder := range folders {
			if !queued[i] && !needed[stage.ID{JobID: jobID, Folder: folder}] {
				errs = append(errs, removeStage(stages, jobID, folder))
			}
		}
		return errors.Join(errs...)
	})
}

// removeStage removes one stage of a job from one drive.
func removeStage(stages *os.Root, jobID, folder string) error {
	job, err := stages.OpenRoot(jobID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(job.RemoveAll(folder), job.Close())
}
