package jet

import (
	"context"

	"spool.internal/events"
)

// Turn reads whose turn it is or was last, and the sequence to expect in TakeLease.
func (b *Bus) Lease(ctx context.Context, jobID string) (events.Lease, uint64, error) {
	m, found, err := b.last(ctx, streamTriggers, turnSubject(jobID))
	if err != nil || !found {
		return events.Lease{}, 0, err
	}
	t, err := decode[events.Lease](m)
	return t, m.Sequence, err
}

// TakeLease gives the turn to a trigger. It is [IsConflict] when another was first.
func (b *Bus) TakeLease(ctx context.Context, jobID string, t events.Lease, expect uint64) error {
	_, err := b.commit(ctx, streamTriggers, message{
		Subject: turnSubject(jobID), Data: body(t), Expect: &expect,
	})
	if err == nil && expect > 0 {
		_ = b.purge(ctx, streamTriggers, purgeRequest{Filter: turnSubject(jobID), Keep: 1}) // former turns that stay do no harm
	}
	return err
}
