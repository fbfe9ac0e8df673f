package runner

import (
	"context"
	"time"

	"spool.internal/events/wait"
	"spool.internal/services/runner/record"
)

const (
	keepKeys   = 7 * 24 * time.Hour  // after the end of a run: the longest retry_for, so no caller repeats its call any more
	keepLogs   = 30 * 24 * time.Hour // after the last line: as long as results
	forgetting = 10 * time.Minute    // between two rounds
)

// forget removes old keys and logs of runs, now and every 10 minutes, until ctx ends.
func (r *Runner) forget(ctx context.Context) {
	for ctx.Err() == nil {
		now := time.Now()
		if err := r.bus.ForgetRuns(ctx, now.Add(-keepKeys)); err != nil && ctx.Err() == nil {
			r.log.Warn("old keys of runs could not be purged", "error", err.Error())
		}
		if err := record.ForgetOld(ctx, r.cfg.DataDir, now.Add(-keepLogs), r.has); err != nil {
			r.log.Warn("old logs of runs could not be removed", "error", err.Error())
		}
		_ = wait.Sleep(ctx, forgetting)
	}
}

// has reports whether this runner has a run in hand.
func (r *Runner) has(flowJobID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active[flowJobID] != nil
}
