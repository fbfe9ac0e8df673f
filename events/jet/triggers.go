package jet

import (
	"context"

	"spool.internal/events"
)

// Clock reads how far cron has come, and the sequence to expect in the next
// commit; a clock that was never set is zero with sequence 0.
func (b *Bus) Clock(ctx context.Context) (events.Clock, uint64, error) {
	m, found, err := b.Last(ctx, events.StreamTriggers, events.ClockSubject)
	if err != nil || !found {
		return events.Clock{}, 0, err
	}
	c, err := decode[events.Clock](m)
	return c, m.Sequence, err
}

// PutTrigger queues one trigger that no ledger guards: a manual one, or the
// retry of a dead letter. The same trigger published twice within two minutes
// is stored once.
func (b *Bus) PutTrigger(ctx context.Context, kind events.Kind, t events.Trigger) (uint64, error) {
	return b.Commit(ctx, events.StreamTriggers, Message{
		Subject: events.TriggerSubject(kind, t.JobID), Data: body(t),
		Header: map[string]string{"Nats-Msg-Id": string(kind) + "|" + t.ID},
	})
}

// NewestTrigger reads the newest trigger of a kind and job that is queued or
// being worked on.
func (b *Bus) NewestTrigger(ctx context.Context, kind events.Kind, jobID string) (t events.Trigger, found bool, err error) {
	m, found, err := b.Last(ctx, events.StreamTriggers, events.TriggerSubject(kind, jobID))
	if err != nil || !found {
		return events.Trigger{}, false, err
	}
	t, err = decode[events.Trigger](m)
	return t, err == nil, err
}

// ClaimCall enters a trigger that may be called at most once into the ledger of
// calls, also when the queue is full, which is emptied by calls. It is [IsConflict]
// when it stands there already.
func (b *Bus) ClaimCall(ctx context.Context, t events.Trigger) error {
	_, err := b.commit(ctx, events.StreamTriggers, Message{
		Subject: events.CalledSubject(t.JobID, t.ID), Expect: new(uint64(0)),
	})
	return err
}

// ReleaseCall takes a trigger out of the ledger of calls, once its result is stored.
func (b *Bus) ReleaseCall(ctx context.Context, t events.Trigger) error {
	return b.Purge(ctx, events.StreamTriggers, events.CalledSubject(t.JobID, t.ID), 0)
}

// CopyVerdict stores a verdict where people look for it.
func (b *Bus) CopyVerdict(ctx context.Context, v events.Verdict) error {
	_, err := b.Commit(ctx, events.StreamSlots, Message{
		Subject: events.SlotSubject(v.JobID), Data: body(v),
		Header: map[string]string{"Nats-Msg-Id": v.ID()},
	})
	return err
}

// Trigger reads the trigger that a delivery of TRIGGERS or FILES carries.
func (d *Delivery) Trigger() (events.Trigger, error) { return decode[events.Trigger](d.Stored) }

// Verdict reads the verdict that a delivery of TRIGGERS carries.
func (d *Delivery) Verdict() (events.Verdict, error) { return decode[events.Verdict](d.Stored) }
