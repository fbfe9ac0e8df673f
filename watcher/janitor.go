package watcher

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/watcher/stage"
)

// When stages are looked at, and when they go that nobody will read.
const (
	tidyEvery   = time.Minute      // those whose runs have ended since
	surveyEvery = time.Hour        // all of them; the ledger, too
	surveyFirst = time.Minute      // after the start
	orphanAfter = time.Hour        // no ledger entry, no work
	maxEnded    = 100_000          // more are left to the next survey
	someStages  = 500              // asked about at a time
	surveyPause = time.Millisecond // between two such questions
)

// janitor holds the stages of runs that have ended since it last looked. It is
// the only one that removes the stages of jobs that are there.
type janitor struct {
	mu    sync.Mutex
	ended map[stage.ID]bool
}

// heard takes in the end of a run.
func (j *janitor) heard(m jet.Stored) {
	var ev events.RunEvent
	if json.Unmarshal(m.Data, &ev) != nil {
		return
	}
	id, ok := stage.Of(ev.InputDir)
	j.mu.Lock()
	defer j.mu.Unlock()
	if ok && len(j.ended) < maxEnded {
		j.ended[id] = true
	}
}

// tidy removes stages that nobody will read, and ledger entries of files that
// have gone, until ctx ends.
func (w *Watcher) tidy(ctx context.Context) {
	select {
	case <-w.loaded:
	case <-ctx.Done():
		return
	}
	var follower sync.WaitGroup
	defer follower.Wait()
	follower.Go(func() {
		for ctx.Err() == nil { // cut off for long it begins anew; the survey finds what it missed
			_ = w.cfg.Bus.Follow(ctx, jet.Follow{
				Stream: events.StreamRunEvents, Filters: []string{events.RunsOf(events.Ended, "")}, From: jet.Newest,
			}, w.janitor.heard)
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
			err = w.removeEnded(ctx)
		case <-survey.C:
			survey.Reset(surveyEvery)
			now := time.Now()
			err = errors.Join(w.survey(ctx, now), w.purgeLedgers(ctx, now))
		}
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.Warn("stages and ledger cannot be tidied now", "error", err.Error())
		}
	}
}

// removeEnded removes the stages of runs that have ended, unless work or a dead
// letter names them; those the survey takes later.
func (w *Watcher) removeEnded(ctx context.Context) error {
	w.janitor.mu.Lock()
	ended := w.janitor.ended
	w.janitor.ended = map[stage.ID]bool{}
	w.janitor.mu.Unlock()
	byJob := map[string][]string{}
	for id := range ended {
		byJob[id.JobID] = append(byJob[id.JobID], id.Fingerprint)
	}
	if len(byJob) == 0 {
		return nil
	}
	named, err := w.namedByRuns(ctx)
	for jobID, fingerprints := range byJob {
		if err == nil {
			err = w.removeStages(ctx, jobID, fingerprints, named)
		}
	}
	return err
}

// removeStages removes those of a job's stages that nothing names, on every drive.
func (w *Watcher) removeStages(ctx context.Context, jobID string, fingerprints []string, named map[stage.ID]bool) error {
	if err := w.namedByWork(ctx, jobID, named); err != nil {
		return err
	}
	queued, err := w.queued(ctx, jobID, fingerprints)
	if err != nil {
		return err
	}
	return w.eachDrive(func(stages *os.Root) error {
		var errs []error
		for i, fp := range fingerprints {
			if !queued[i] && !named[stage.ID{JobID: jobID, Fingerprint: fp}] {
				errs = append(errs, removeStage(stages, jobID, fp))
			}
		}
		return errors.Join(errs...)
	})
}

// removeStage removes one stage of a job.
func removeStage(stages *os.Root, jobID, fingerprint string) error {
	job, err := stages.OpenRoot(jobID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(job.RemoveAll(fingerprint), job.Close())
}

// queued tells which of a job's stages are those of queued files.
func (w *Watcher) queued(ctx context.Context, jobID string, fingerprints []string) ([]bool, error) {
	subjects := make([]string, len(fingerprints))
	for i, fp := range fingerprints {
		subjects[i] = events.FileSubject(jobID, fp)
	}
	return w.cfg.Bus.Known(ctx, events.StreamFiles, subjects)
}

// namedByRuns gives the stages that accepted runs are to read.
func (w *Watcher) namedByRuns(ctx context.Context) (map[stage.ID]bool, error) {
	named := map[stage.ID]bool{}
	// Those that are paused are read twice: what changes its place meanwhile is read at one of the two.
	for _, filter := range []string{events.AllPausedRuns, events.AllRunQueue, events.AllPausedRuns} {
		err := w.cfg.Bus.Since(ctx, events.StreamRuns, filter, time.Time{}, func(m jet.Stored) bool {
			var run events.Run
			if json.Unmarshal(m.Data, &run) == nil {
				if id, ok := stage.Of(run.InputDir); ok {
					named[id] = true
				}
			}
			return true
		})
		if err != nil {
			return named, err
		}
	}
	return named, nil
}

// namedByWork adds the stages that a job's reruns, retries and dead letters are to read.
func (w *Watcher) namedByWork(ctx context.Context, jobID string, named map[stage.ID]bool) error {
	note := func(t events.Trigger) {
		if t.File != nil {
			if id, ok := stage.Of(t.File.InputDir); ok {
				named[id] = true
			}
		}
	}
	for _, kind := range []events.Kind{events.KindManual, events.KindRetry} {
		err := w.cfg.Bus.Since(ctx, events.StreamTriggers, events.TriggerSubject(kind, jobID), time.Time{}, func(m jet.Stored) bool {
			var t events.Trigger
			if json.Unmarshal(m.Data, &t) == nil {
				note(t)
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return w.cfg.Bus.Since(ctx, events.StreamDeadLetters, events.DeadSubject(jobID), time.Time{}, func(m jet.Stored) bool {
		if d, err := jet.ReadDead(m); err == nil {
			note(d.Trigger)
		}
		return true
	})
}
