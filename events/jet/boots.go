package jet

import (
	"context"

	"spool.internal/events"
)

// Boot reads the newest start of a host that a job has run for, and the sequence to
// expect in CommitBoot. Zero: there was none yet.
func (b *Bus) Boot(ctx context.Context, jobID, host string) (events.Boot, uint64, error) {
	m, found, err := b.last(ctx, streamTriggers, bootSubject(jobID, host))
	if err != nil || !found {
		return events.Boot{}, 0, err
	}
	boot, err := decode[events.Boot](m)
	return boot, m.Sequence, err
}

// CommitBoot queues the trigger of a job for a start of its host, once: the ledger is
// moved in the same commit. It is [IsConflict] when somebody else was first.
func (b *Bus) CommitBoot(ctx context.Context, t events.Trigger, boot events.Boot, expect uint64) error {
	_, err := b.commit(ctx, streamTriggers,
		message{Subject: triggerSubject(events.KindCron, t.JobID), Data: body(t)},
		message{Subject: bootSubject(t.JobID, boot.Host), Data: body(boot), Expect: &expect},
	)
	if err == nil && expect > 0 {
		_ = b.purge(ctx, streamTriggers, purgeRequest{Filter: bootSubject(t.JobID, boot.Host), Keep: 1}) // former starts that stay do no harm
	}
	return err
}
