package jet

import (
	"context"
	"time"

	"spool.internal/events"
)

// PutResult stores the result of one execution. The same result stored twice
// within two minutes is stored once; readers fold by trigger id.
func (b *Bus) PutResult(ctx context.Context, r events.Result) error {
	at := time.Unix(0, r.EndedNS)
	m := Message{Subject: events.ResultSubject(r.JobID), Data: body(r)}
	m.Header = events.CloudEvent("spool.result", r.TriggerID, "dispatcher", r.TriggerID, at)
	m.Header["Nats-Msg-Id"] = r.TriggerID
	_, err := b.Commit(ctx, events.StreamResults, m)
	return err
}

// HasResult reports whether a trigger that was stored at t has a result.
func (b *Bus) HasResult(ctx context.Context, jobID, triggerID string, t time.Time) (bool, error) {
	found := false
	err := b.Since(ctx, events.StreamResults, events.ResultSubject(jobID), t, func(m Stored) bool {
		found = found || m.Header.Get("ce-id") == triggerID
		return !found
	})
	return found, err
}

// Result reads the result at a sequence of RESULTS; found is false when it is gone.
func (b *Bus) Result(ctx context.Context, seq uint64) (r events.Result, found bool, err error) {
	m, found, err := b.Get(ctx, events.StreamResults, seq)
	if err != nil || !found {
		return events.Result{}, false, err
	}
	r, err = decode[events.Result](m)
	return r, err == nil, err
}

// PutDead stores what could not be delivered, before its result.
func (b *Bus) PutDead(ctx context.Context, t events.Trigger, r events.Result) error {
	m := Message{
		Subject: events.DeadSubject(t.JobID),
		Data:    body(map[string]any{"trigger": t, "result": r}),
		Header:  events.CloudEvent("spool.dead", t.ID, "dispatcher", t.ID, time.Unix(0, r.EndedNS)),
	}
	m.Header["Nats-Msg-Id"] = t.ID
	_, err := b.Commit(ctx, events.StreamDeadLetters, m)
	return err
}
