package jet

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

// Asked is the ledger of triggers that somebody asked for under a key, and that left their
// queue; an empty jobID means every job's.
//
// The message id of a trigger keeps a second one out while the first is queued. A server that
// starts again knows the ids of what it still has, and no more: so the entry is made before the
// trigger is taken off its queue, and the trigger is stored only while there is no entry. Of what
// was asked for the ledger knows for [AskedFor].
func (b *Bus) Asked(jobID string) View[struct{}] {
	return view[struct{}](b, streamTriggers, orAll(jobID, allAskedFilter, askedFilter))
}

// AskedFor is how long a key is known.
const AskedFor = 24 * time.Hour

// ForgetAsked takes out what was entered into the ledger before t.
func (b *Bus) ForgetAsked(ctx context.Context, t time.Time) error {
	var upTo uint64
	err := b.since(ctx, streamTriggers, allAskedFilter, time.Time{}, func(m Stored) bool {
		if !m.Time.Before(t) {
			return false
		}
		upTo = m.Sequence + 1
		return true
	})
	if err != nil || upTo == 0 {
		return err
	}
	return b.purge(ctx, streamTriggers, purgeRequest{Filter: allAskedFilter, Before: upTo})
}

// keyedTrigger reports whether a trigger is named after a key, by a UUID of version 5.
func keyedTrigger(id string) bool {
	key, err := uuid.Parse(id[strings.LastIndexByte(id, ':')+1:])
	return err == nil && key.Version() == 5
}

// askedMessage is a trigger that is stored once under an id, whatever became of it.
func askedMessage(kind events.Kind, t events.Trigger, id string) message {
	claim := askedSubject(t.JobID, id)
	return message{
		Subject: triggerSubject(kind, t.JobID), Data: body(t), Expect: new(uint64(0)), Of: claim,
		Header: map[string]string{"Nats-Msg-Id": id, claimHeader: claim},
	}
}

// putAsked stores such a trigger. One that was asked for before is stored already.
func (b *Bus) putAsked(ctx context.Context, m message) (uint64, error) {
	seq, err := b.commit(ctx, streamTriggers, m)
	if IsConflict(err) {
		return 0, nil
	}
	return seq, err
}

// retryID is under which the retry of a dead letter is stored once: a later letter of the
// same trigger is another retry.
func retryID(d events.DeadLetter) string {
	return "retry|" + d.Trigger.ID + "|" + strconv.FormatUint(d.Seq, 10)
}
