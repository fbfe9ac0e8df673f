package cron

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

const (
	overdue = 30 * time.Second // after its time, a minute that is not committed is a fault
	lookout = 5 * time.Second
)

// watchdog compares the wall clock with the committed one. It shares nothing with
// the loop but one number, so it notices when loop, feed or gocron hang.
type watchdog struct {
	now func() time.Time
	log *slog.Logger

	minute atomic.Int64 // the newest that this replica has seen committed; 0 = none yet
}

func (w *watchdog) saw(minute events.Minute) { w.minute.Store(int64(minute)) }

// lag is how long a minute has been due without being committed.
func (w *watchdog) lag() time.Duration {
	minute := events.Minute(w.minute.Load())
	if minute == 0 {
		return 0
	}
	return max(0, w.now().Sub((minute + 1).Time()))
}

func (w *watchdog) check() error {
	if w.lag() < overdue {
		return nil
	}
	return fmt.Errorf("the minute %s has not been committed in time", events.Minute(w.minute.Load()+1).Time().Format(time.RFC3339))
}

// run logs once when a minute is not committed in time, and once when minutes are committed again.
func (w *watchdog) run(ctx context.Context) {
	var said bool
	for looks := 0; ctx.Err() == nil; _ = wait.Sleep(ctx, wait.Whole(lookout)) {
		switch err := w.check(); {
		case err == nil:
			if looks = 0; said {
				w.log.Info("minutes are committed again")
			}
			said = false
		default:
			// The first look after a suspend comes before the loop could do anything.
			if looks++; looks > 1 && !said {
				w.log.Error("a minute did not come: no job starts by its schedule", "error", err.Error())
				said = true
			}
		}
	}
}
