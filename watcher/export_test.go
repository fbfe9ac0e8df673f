package watcher

import (
	"context"
	"time"
)

// Tidy does at once what is done every hour, as if it were now.
func (w *Watcher) Tidy(ctx context.Context, now time.Time) error {
	if err := w.survey(ctx, now); err != nil {
		return err
	}
	return w.purgeLedgers(ctx, now)
}

// RemoveEnded does at once what is done every minute.
func (w *Watcher) RemoveEnded(ctx context.Context) error { return w.removeEnded(ctx) }
