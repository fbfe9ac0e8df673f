package jet

import (
	"context"

	"spool.internal/events"
)

// Triggers are those of one kind and job that are queued or being worked on; an empty
// kind means every kind of every job, an empty jobID every job.
func (b *Bus) Triggers(k events.Kind, jobID string) View[events.Trigger] {
	switch {
	case k == "":
		return view[events.Trigger](b, streamTriggers, allTriggersFilter)
	case jobID == "":
		return view[events.Trigger](b, streamTriggers, triggersFilter(k))
	default:
		return view[events.Trigger](b, streamTriggers, triggerSubject(k, jobID))
	}
}

// PausedTriggers are those of a job that wait until it is enabled; an empty jobID means
// every job's.
func (b *Bus) PausedTriggers(jobID string) View[events.Trigger] {
	return view[events.Trigger](b, streamTriggers, orAll(jobID, allPausedFilter, pausedFilter))
}

// PausedTrigger is one trigger that waits until its job is enabled.
func (b *Bus) PausedTrigger(jobID, triggerID string) View[events.Trigger] {
	return view[events.Trigger](b, streamTriggers, pausedSubject(jobID, triggerID))
}

// Calls is the ledger of a job's calls that may be made at most once; an empty jobID
// means every job's.
func (b *Bus) Calls(jobID string) View[struct{}] {
	return view[struct{}](b, streamTriggers, orAll(jobID, allCalledFilter, callsFilter))
}

// PutTrigger queues one trigger that no other ledger guards: a manual one. One that is named after
// a key is stored once, as [Bus.Asked] says; any other once within two minutes.
func (b *Bus) PutTrigger(ctx context.Context, kind events.Kind, t events.Trigger) (uint64, error) {
	if keyedTrigger(t.ID) {
		return b.putAsked(ctx, askedMessage(kind, t, string(kind)+"|"+t.ID))
	}
	return b.commit(ctx, streamTriggers, message{
		Subject: triggerSubject(kind, t.JobID), Data: body(t),
		Header: map[string]string{"Nats-Msg-Id": string(kind) + "|" + t.ID},
	})
}

// NewestTrigger reads the newest trigger of a kind and job that is queued or
// being worked on.
func (b *Bus) NewestTrigger(ctx context.Context, kind events.Kind, jobID string) (t events.Trigger, found bool, err error) {
	m, found, err := b.last(ctx, streamTriggers, triggerSubject(kind, jobID))
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
	_, err := b.commitAnyway(ctx, streamTriggers, message{
		Subject: calledSubject(t.JobID, t.ID), Expect: new(uint64(0)),
	})
	return err
}

// ReleaseCall takes a trigger out of the ledger of calls, once its result is stored.
func (b *Bus) ReleaseCall(ctx context.Context, t events.Trigger) error {
	return b.purge(ctx, streamTriggers, purgeRequest{Filter: calledSubject(t.JobID, t.ID)})
}

// Trigger reads the trigger that a delivery of TRIGGERS or FILES carries.
func (d *Delivery) Trigger() (events.Trigger, error) { return decode[events.Trigger](d.Stored) }
