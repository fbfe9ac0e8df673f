package runner

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"spool.internal/services/daemon"
)

const (
	keepKeys   = 7 * 24 * time.Hour  // after the end of a run: the longest retry_for, so no caller repeats its call any more
	keepLogs   = 30 * 24 * time.Hour // after the last line: as long as results
	forgetting = 10 * time.Minute    // between two rounds
)

// forget removes what nobody asks for any more, now and from time to time, until
// ctx ends.
func (r *Runner) forget(ctx context.Context) {
	for ctx.Err() == nil {
		now := time.Now()
		if err := r.bus.ForgetRuns(ctx, now.Add(-keepKeys)); err != nil && ctx.Err() == nil {
			r.log.Warn("old keys of runs could not be purged", "error", err.Error())
		}
		if err := r.forgetLogs(ctx, now.Add(-keepLogs)); err != nil {
			r.log.Warn("old logs of runs could not be removed", "error", err.Error())
		}
		daemon.Pause(ctx, forgetting)
	}
}

// forgetLogs removes the folders of runs in which nothing was written since before.
func (r *Runner) forgetLogs(ctx context.Context, before time.Time) error {
	dir := filepath.Join(r.cfg.DataDir, "runs")
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil
		}
		if uuid.Validate(e.Name()) != nil { // not ours
			continue
		}
		r.mu.Lock()
		inHand := r.active[e.Name()] != nil
		r.mu.Unlock()
		info, statErr := os.Stat(filepath.Join(dir, e.Name(), "run.log"))
		if errors.Is(statErr, fs.ErrNotExist) {
			info, statErr = e.Info()
		}
		if statErr != nil || inHand || !info.ModTime().Before(before) {
			continue
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
