package notify

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// lookBack are the periods in which an earlier outcome is looked up; the last is as long as run events are kept.
var lookBack = []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour}

// changed reports whether the outcome before a notification was the opposite. A job without one was well.
func (e *email) changed(ctx context.Context, n notification) (bool, error) {
	run, found, err := before(ctx, e.bus.Runs(events.Ended, n.jobID), n, n.run != nil)
	if err != nil {
		return false, err
	}
	dead, gaveUp, err := before(ctx, e.bus.DeadLetters(n.jobID), n, n.dead != nil)
	if err != nil {
		return false, err
	}
	failed := gaveUp && (!found || dead.Time.After(run.Time))
	if found && !failed {
		ev, err := run.Value()
		failed = err == nil && ev.Status == events.ERROR
	}
	return failed != (n.status() == events.ERROR), nil
}

// before returns the newest entry that is older than the notification; own says that the notification is about one of
// these entries itself.
func before[T any](ctx context.Context, v jet.View[T], n notification, own bool) (e jet.Entry[T], found bool, err error) {
	for _, stretch := range lookBack {
		err := v.Sure().Since(ctx, n.at.Add(-stretch), func(s jet.Entry[T]) bool {
			if own && s.Sequence >= n.seq || s.Time.After(n.at) {
				return false
			}
			e, found = s, true
			return true
		})
		if err != nil || found {
			return e, found, err
		}
	}
	return e, false, nil
}
