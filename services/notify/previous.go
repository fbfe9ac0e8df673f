package notify

import (
	"context"
	"encoding/json"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// lookBack are the periods in which an earlier outcome is looked up; the last is as long as run events are kept.
var lookBack = []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour}

// changed reports whether the outcome before a notification was the opposite. A job without one was well.
func (e *email) changed(ctx context.Context, n notification) (bool, error) {
	run, found, err := e.before(ctx, n, events.StreamRunEvents, events.RunsOf(events.Ended, n.jobID))
	if err != nil {
		return false, err
	}
	dead, gaveUp, err := e.before(ctx, n, events.StreamDeadLetters, events.DeadSubject(n.jobID))
	if err != nil {
		return false, err
	}
	failed := gaveUp && (!found || dead.Time.After(run.Time))
	if found && !failed {
		var ev events.RunEvent
		failed = json.Unmarshal(run.Data, &ev) == nil && ev.Status == events.ERROR
	}
	return failed != (n.status() == events.ERROR), nil
}

// before returns the newest message below filter that is older than the notification.
func (e *email) before(ctx context.Context, n notification, stream, filter string) (m jet.Stored, found bool, err error) {
	own := n.run != nil && stream == events.StreamRunEvents || n.dead != nil && stream == events.StreamDeadLetters
	for _, stretch := range lookBack {
		err := e.bus.Since(ctx, stream, filter, n.at.Add(-stretch), func(s jet.Stored) bool {
			if own && s.Sequence >= n.seq || s.Time.After(n.at) {
				return false
			}
			m, found = s, true
			return true
		})
		if err != nil || found {
			return m, found, err
		}
	}
	return jet.Stored{}, false, nil
}
