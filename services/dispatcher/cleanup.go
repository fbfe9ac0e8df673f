package dispatcher

import (
	"context"

	"spool.internal/events"
)

// cleanUp empties the queues of deleted jobs until ctx ends: first of those that were deleted while no dispatcher ran.
func (d *Dispatcher) cleanUp(ctx context.Context) {
	gone := map[string]bool{}
	for _, queue := range []interface {
		CountByJob(ctx context.Context) (map[string]int, error)
		Stream() string
	}{d.bus.Files(""), d.bus.Triggers("", ""), d.bus.Calls(""), d.bus.Asked(""), d.bus.PausedTriggers("")} {
		counts, err := queue.CountByJob(ctx)
		if err != nil {
			d.log.Warn("cannot look for work of deleted jobs", "stream", queue.Stream(), "error", err.Error())
			continue
		}
		for id := range counts {
			if _, ok := d.jobs.get(id); !ok {
				gone[id] = true
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
		if err := d.bus.Files(id).Clear(ctx); err != nil {
			return err
		}
		for _, kind := range []events.Kind{events.KindCron, events.KindManual, events.KindRetry} {
			if err := d.bus.Triggers(kind, id).Clear(ctx); err != nil {
				return err
			}
		}
		if err := d.bus.PausedTriggers(id).Clear(ctx); err != nil {
			return err
		}
		if err := d.bus.Asked(id).Clear(ctx); err != nil {
			return err
		}
		return d.bus.Calls(id).Clear(ctx)
	})
}
