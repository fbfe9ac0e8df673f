package gateway

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
	"spool.internal/gateway/change"
)

// untilEvery is how often the jobs are looked at whose disabling has an end.
const untilEvery = time.Second

// untils enables jobs at the time until which they are disabled. It keeps nothing but
// which those are, as the feed of all jobs says, so that any gateway, before or after a
// restart, comes to the same; of several one enables a job.
type untils struct {
	gateway *Gateway
	changes *change.Jobs

	mu  sync.Mutex
	due map[string]time.Time // by job id
}

func newUntils(g *Gateway) *untils { return &untils{gateway: g, due: map[string]time.Time{}} }

// apply takes one revision in; the feed calls it.
func (u *untils) apply(rev events.JobRevision) {
	job := rev.Event.Job
	u.mu.Lock()
	defer u.mu.Unlock()
	if d := job.Disabled; !rev.Gone() && job.Status == events.Disabled && d != nil && !d.Until.IsZero() {
		u.due[job.ID] = d.Until
	} else {
		delete(u.due, job.ID)
	}
}

// come lists the jobs whose time has come.
func (u *untils) come(now time.Time) (ids []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, until := range u.due {
		if !until.After(now) {
			ids = append(ids, id)
		}
	}
	return ids
}

// run enables jobs until ctx ends.
func (u *untils) run(ctx context.Context) error {
	failed := map[string]time.Time{} // when to try again
	for wait.Sleep(ctx, wait.Whole(untilEvery)) == nil {
		now := time.Now()
		for _, id := range u.come(now) {
			if now.Before(failed[id]) {
				continue
			}
			delete(failed, id)
			if err := u.changes.EnableDue(ctx, id, now); err != nil && ctx.Err() == nil {
				u.gateway.cfg.Log.Warn("a job cannot be enabled now, though its time has come", "job_id", id, "error", err.Error())
				failed[id] = now.Add(time.Minute)
			}
		}
	}
	return nil
}
