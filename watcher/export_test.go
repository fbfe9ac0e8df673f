package watcher

import (
	"context"
	"time"
)

// Tidy does at once what is done every hour, as if it were now.
func (w *Watcher) Tidy(ctx context.Context, now time.Time) error { return w.janitor.Survey(ctx, now) }

// RemoveEnded does at once what is done every minute.
func (w *Watcher) RemoveEnded(ctx context.Context) error { return w.janitor.RemoveEnded(ctx) }

// Places change soon in tests.
func init() { placesEvery = 50 * time.Millisecond }
