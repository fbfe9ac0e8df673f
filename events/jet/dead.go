package jet

import (
	"context"
	"strconv"
	"time"

	"spool.internal/events"
)

// DeadLetter is what could not be delivered, and how its last call came out.
type DeadLetter struct {
	Seq     uint64         `json:"-"` // sequence in DEADLETTERS
	At      time.Time      `json:"-"` // when it was stored
	Trigger events.Trigger `json:"trigger"`
	Result  events.Result  `json:"result"`
}

// ReadDead reads the dead letter that a message of DEADLETTERS carries.
func ReadDead(m Stored) (DeadLetter, error) {
	d, err := decode[DeadLetter](m)
	d.Seq, d.At = m.Sequence, m.Time
	return d, err
}

// DeadLetter reads the dead letter at a sequence; found is false when it is gone.
func (b *Bus) DeadLetter(ctx context.Context, seq uint64) (d DeadLetter, found bool, err error) {
	m, found, err := b.Get(ctx, events.StreamDeadLetters, seq)
	if err != nil || !found {
		return DeadLetter{}, false, err
	}
	d, err = ReadDead(m)
	return d, err == nil, err
}

// RetryDead queues the trigger of a dead letter again, with its identity, and
// then drops the letter. When it is cut off in between, the letter stays.
func (b *Bus) RetryDead(ctx context.Context, d DeadLetter) error {
	_, err := b.Commit(ctx, events.StreamTriggers, Message{
		Subject: events.TriggerSubject(events.KindRetry, d.Trigger.JobID), Data: body(d.Trigger),
		// Of this letter: a later one of the same trigger is another retry.
		Header: map[string]string{"Nats-Msg-Id": "retry|" + d.Trigger.ID + "|" + strconv.FormatUint(d.Seq, 10)},
	})
	if err != nil {
		return err
	}
	_, err = b.DropDead(ctx, d.Seq)
	return err
}

// DropDead deletes a dead letter; found is false when it is gone already.
func (b *Bus) DropDead(ctx context.Context, seq uint64) (found bool, err error) {
	return b.drop(ctx, events.StreamDeadLetters, seq)
}
