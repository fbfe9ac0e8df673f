package jet

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
)

// DeadLetters are those of a job; an empty jobID means every job's.
func (b *Bus) DeadLetters(jobID string) View[events.DeadLetter] {
	return view[events.DeadLetter](b, streamDeadLetters, orAll(jobID, allDeadFilter, deadSubject))
}

// deadCount is how many dead letters each job has, at a state of the stream.
type deadCount struct {
	mu sync.Mutex
	at [3]uint64 // when the stream was made, its last sequence, how many it holds: no two states have the same
	of map[string]int
}

// DeadByJob tells how many dead letters each job has. The answer is everybody's, and not to be changed. They are
// counted anew when the stream is another: that is asked each time, and counting takes the longer the more there are.
func (b *Bus) DeadByJob(ctx context.Context) (map[string]int, error) {
	info, err := b.info(ctx, streamDeadLetters, questionAlone)
	if err != nil {
		return nil, err
	}
	at := [3]uint64{uint64(info.Created.UnixNano()), info.State.LastSeq, info.State.Msgs}
	b.dead.mu.Lock()
	known, same := b.dead.of, b.dead.at == at
	b.dead.mu.Unlock()
	if same && known != nil {
		return known, nil
	}
	counts, err := b.DeadLetters("").CountByJob(ctx)
	if err != nil {
		return nil, err
	}
	b.dead.mu.Lock()
	defer b.dead.mu.Unlock()
	b.dead.at, b.dead.of = at, counts
	return counts, nil
}

// DeadLetter reads the dead letter that a delivery carries.
func (d *Delivery) DeadLetter() (events.DeadLetter, error) { return readDead(d.Stored) }

// readDead reads the dead letter that a message of DEADLETTERS carries.
func readDead(m Stored) (events.DeadLetter, error) {
	d, err := decode[events.DeadLetter](m)
	d.Seq, d.At = m.Sequence, m.Time
	return d, err
}

// DeadLetter reads the dead letter at a sequence; found is false when it is gone.
func (b *Bus) DeadLetter(ctx context.Context, seq uint64) (d events.DeadLetter, found bool, err error) {
	m, found, err := b.getSure(ctx, streamDeadLetters, seq)
	if err != nil || !found {
		return events.DeadLetter{}, false, err
	}
	d, err = readDead(m)
	return d, err == nil, err
}

// RetryDead queues the trigger of a dead letter again, with its identity, and
// then drops the letter. When it is cut off in between, the letter stays.
func (b *Bus) RetryDead(ctx context.Context, d events.DeadLetter) error {
	_, err := b.putAsked(ctx, askedMessage(events.KindRetry, d.Trigger, retryID(d)))
	if err != nil {
		return err
	}
	_, err = b.DropDead(ctx, d.Seq)
	return err
}

// DropDead deletes a dead letter; found is false when it is gone already.
func (b *Bus) DropDead(ctx context.Context, seq uint64) (found bool, err error) {
	return b.drop(ctx, streamDeadLetters, seq)
}

// HasDead reports whether there is a dead letter of a result.
func (b *Bus) HasDead(ctx context.Context, r events.Result) (found bool, err error) {
	err = b.sinceSure(ctx, streamDeadLetters, deadSubject(r.JobID), r.TriggeredAt, func(m Stored) bool {
		d, err := readDead(m)
		found = found || err == nil && deliveryID(d.Result) == deliveryID(r)
		return !found
	})
	return found, err
}

// PutDead stores what could not be delivered, before its result. Stored again
// after a crash in between, it is stored once.
func (b *Bus) PutDead(ctx context.Context, t events.Trigger, r events.Result) error {
	found, err := b.HasDead(ctx, r)
	if err != nil || found {
		return err
	}
	m := message{
		Subject: deadSubject(t.JobID),
		Data:    body(events.DeadLetter{Trigger: t, Result: r}),
		Header:  events.CloudEvent("spool.dead", t.ID, "dispatcher", t.ID, time.Unix(0, r.EndedNS)),
	}
	m.Header["Nats-Msg-Id"] = deliveryID(r)
	_, err = b.commit(ctx, streamDeadLetters, m)
	return err
}
