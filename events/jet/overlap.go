package jet

import (
	"context"
	"time"
)

// Turn is whose turn it is in a job whose runs must not overlap.
type Turn struct {
	TriggerID string    `json:"trigger_id"`
	StoredAt  time.Time `json:"stored_at"` // when that trigger was stored
}

// Turn reads whose turn it is or was last, and the sequence to expect in TakeTurn.
func (b *Bus) Turn(ctx context.Context, jobID string) (Turn, uint64, error) {
	m, found, err := b.last(ctx, streamTriggers, turnSubject(jobID))
	if err != nil || !found {
		return Turn{}, 0, err
	}
	t, err := decode[Turn](m)
	return t, m.Sequence, err
}

// TakeTurn gives the turn to a trigger. It is [IsConflict] when another was first.
func (b *Bus) TakeTurn(ctx context.Context, jobID string, t Turn, expect uint64) error {
	_, err := b.commit(ctx, streamTriggers, message{
		Subject: turnSubject(jobID), Data: body(t), Expect: &expect,
	})
	if err == nil && expect > 0 {
		_ = b.purge(ctx, streamTriggers, purgeRequest{Filter: turnSubject(jobID), Keep: 1}) // former turns that stay do no harm
	}
	return err
}
