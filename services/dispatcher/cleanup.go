package dispatcher

import (
	"context"

	"spool.internal/events"
)

// cleanUp empties the queues of deleted jobs until ctx ends: first of those that were deleted while no dispatcher ran.
func (d *Dispatcher) cleanUp(ctx context.Context) {
	gone := map[string]bool{}
	for _, q := range []struct{ stream, filter string }{
		{events.StreamFiles, events.AllFiles},
		{events.StreamTriggers, events.AllTriggers},
		{events.StreamTriggers, events.AllCalled},
		{events.StreamTriggers, events.AllPaused},
	} {
		subjects, err := d.bus.Subjects(ctx, q.stream, q.filter)
		if err != nil {
			d.log.Warn("cannot look for work of deleted jobs", "stream", q.stream, "error", err.Error())
			continue
		}
		for s := range subjects {
			if sub, err := events.ParseSubject(s); err == nil {
				if _, ok := d.jobs.get(sub.JobID); !ok {
					gone[sub.JobID] = true
				}
			}
		}
	}
	for id := range gone {
		// A job that was created a moment ago may not be in the cache yet.
		if _, err := d.bus.Job(ctx, id); events.CodeOf(err) == events.NotFound {
			d.emptyQueues(ctx, id)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-d.jobs.deleted:
			d.emptyQueues(ctx, id)
		}
	}
}

// emptyQueues removes what is queued, paused and claimed of a job.
func (d *Dispatcher) emptyQueues(ctx context.Context, id string) {
	_ = d.persist(ctx, "empty the queues of a deleted job", func(ctx context.Context) error {
		if err := d.bus.Purge(ctx, events.StreamFiles, events.FilesOf(id), 0); err != nil {
			return err
		}
		for _, kind := range []events.Kind{events.KindCron, events.KindManual, events.KindRetry} {
			if err := d.bus.Purge(ctx, events.StreamTriggers, events.TriggerSubject(kind, id), 0); err != nil {
				return err
			}
		}
		if err := d.bus.Purge(ctx, events.StreamTriggers, events.PausedOf(id), 0); err != nil {
			return err
		}
		return d.bus.Purge(ctx, events.StreamTriggers, events.CallsOf(id), 0)
	})
}
