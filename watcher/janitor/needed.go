package janitor

import (
	"context"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/watcher/stage"
)

// queued says which of a job's stages are those of queued files.
func (j *Janitor) queued(ctx context.Context, jobID string, folders []string) ([]bool, error) {
	var files jet.View[events.Trigger]
	for _, folder := range folders {
		fp, _ := stage.FingerprintOf(folder)
		files = files.And(j.cfg.Bus.File(jobID, fp))
	}
	return files.Sure().Known(ctx)
}

// neededByRuns returns the stages that accepted runs are to read.
func (j *Janitor) neededByRuns(ctx context.Context) (map[stage.ID]bool, error) {
	needed := map[stage.ID]bool{}
	// Those that are paused are read twice: one that changes its place meanwhile is read at one of the two.
	paused, waiting := j.cfg.Bus.WaitingRuns(""), j.cfg.Bus.RunQueue("")
	err := paused.And(waiting, paused).Sure().Each(ctx, func(run events.Run) {
		if id, ok := stage.Of(run.InputDir); ok {
			needed[id] = true
		}
	})
	return needed, err
}

// neededByWork adds the stages that a job's reruns, retries and dead letters are to read.
func (j *Janitor) neededByWork(ctx context.Context, jobID string, needed map[stage.ID]bool) error {
	add := func(t events.Trigger) {
		if t.File != nil {
			if id, ok := stage.Of(t.File.InputDir); ok {
				needed[id] = true
			}
		}
	}
	letters := func(d events.DeadLetter) { add(d.Trigger) }
	// Before and after: what becomes a letter, or is queued again as one, is read at one of the two.
	if err := j.cfg.Bus.DeadLetters(jobID).Sure().Each(ctx, letters); err != nil {
		return err
	}
	work := j.cfg.Bus.Triggers(events.KindManual, jobID).And(j.cfg.Bus.Triggers(events.KindRetry, jobID))
	if err := work.Sure().Each(ctx, add); err != nil {
		return err
	}
	return j.cfg.Bus.DeadLetters(jobID).Sure().Each(ctx, letters)
}
