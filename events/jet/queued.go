package jet

import (
	"context"

	"spool.internal/events"
)

// QueuedFiles counts the files of a job that wait for their call, or are being called.
func (b *Bus) QueuedFiles(ctx context.Context, jobID string) (n int, err error) {
	return b.count(ctx, streamFiles, filesFilter(jobID))
}

// QueuedTriggers counts, by job, the triggers that somebody asked for and that
// wait for their call, or are being called.
func (b *Bus) QueuedTriggers(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, kind := range []events.Kind{events.KindManual, events.KindRetry} {
		subjects, err := b.subjects(ctx, streamTriggers, triggersFilter(kind))
		if err != nil {
			return nil, err
		}
		for s, n := range subjects {
			if sub, err := parseSubject(s); err == nil {
				counts[sub.JobID] += int(n)
			}
		}
	}
	return counts, nil
}
