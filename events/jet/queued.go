package jet

import (
	"context"
	"strconv"

	"spool.internal/events"
)

// QueuedFiles counts the files of a job that wait for their call, or are being called.
func (b *Bus) QueuedFiles(ctx context.Context, jobID string) (n int, err error) {
	err = b.direct(ctx, events.StreamFiles, map[string]any{"next_by_subj": events.FilesOf(jobID), "seq": 1, "batch": 1},
		func(m Stored) bool {
			behind, _ := strconv.Atoi(m.Header.Get("Nats-Num-Pending"))
			n = behind + 1
			return false
		})
	return n, err
}

// QueuedTriggers counts, by job, the triggers that somebody asked for and that
// wait for their call, or are being called.
func (b *Bus) QueuedTriggers(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, kind := range []events.Kind{events.KindManual, events.KindRetry} {
		subjects, err := b.Subjects(ctx, events.StreamTriggers, events.TriggersOf(kind))
		if err != nil {
			return nil, err
		}
		for s, n := range subjects {
			if sub, err := events.ParseSubject(s); err == nil {
				counts[sub.JobID] += int(n)
			}
		}
	}
	return counts, nil
}
