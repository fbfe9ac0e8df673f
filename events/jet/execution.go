package jet

import (
	"cmp"
	"context"
	"strings"
	"time"

	"spool.internal/events"
)

// One execution is found by its trigger: the id names the job, and mostly the time. Nobody
// keeps a map of all.

// NewestResult reads the last result of a trigger that was stored at or after a time; found is
// false when there is none. A dead letter that was retried has more than one.
func (b *Bus) NewestResult(ctx context.Context, jobID, triggerID string, t time.Time) (r events.Result, found bool, err error) {
	var unread error // of the last one
	err = b.since(ctx, streamResults, resultSubject(jobID), t, func(m Stored) bool {
		if m.TriggerID() == triggerID {
			var newest events.Result
			if newest, unread = decode[events.Result](m); unread == nil {
				r, found = newest, true
			}
		}
		return true
	})
	return r, found, cmp.Or(err, newer(unread))
}

// QueuedTrigger is a trigger that waits for its call, or is being called.
type QueuedTrigger struct {
	events.Trigger
	Stored   time.Time
	Paused   bool // until its job is enabled
	stream   string
	sequence uint64
	claim    string // what its ledger is to say before it is gone; empty = nothing
}

// QueuedTrigger finds the trigger of an id that waits in a queue since t or later.
func (b *Bus) QueuedTrigger(ctx context.Context, jobID, triggerID string, t time.Time) (q QueuedTrigger, found bool, err error) {
	kind, rest, _ := strings.Cut(triggerID, ":")
	var unread error
	take := func(stream string, paused bool, m Stored) {
		trigger, fault := decode[events.Trigger](m)
		if unread = cmp.Or(unread, newer(fault)); fault == nil && trigger.ID == triggerID {
			q, found = QueuedTrigger{trigger, m.Time, paused, stream, m.Sequence, m.header.Get(claimHeader)}, true
		}
	}
	if events.Kind(kind) == events.KindFile {
		fingerprint := rest[strings.LastIndexByte(rest, ':')+1:]
		if !events.IsToken(fingerprint) {
			return q, false, nil
		}
		err = b.lastOfSure(ctx, streamFiles, []string{fileSubject(jobID, fingerprint)}, func(m Stored) { take(streamFiles, false, m) })
	} else {
		err = b.lastOfSure(ctx, streamTriggers, []string{pausedSubject(jobID, triggerID)}, func(m Stored) { take(streamTriggers, true, m) })
	}
	for _, k := range []events.Kind{events.Kind(kind), events.KindRetry} {
		if err != nil || found || k == events.KindFile || k != events.KindRetry && k != events.KindCron && k != events.KindManual {
			continue
		}
		err = b.sinceSure(ctx, streamTriggers, triggerSubject(k, jobID), t, func(m Stored) bool {
			take(streamTriggers, false, m)
			return !found
		})
	}
	if !found {
		err = cmp.Or(err, unread)
	}
	return q, found, err
}

// DropQueued takes a trigger off its queue that has come to its end.
func (b *Bus) DropQueued(ctx context.Context, q QueuedTrigger) error {
	if q.claim != "" {
		if err := b.enter(ctx, q.stream, q.claim); err != nil {
			return err
		}
	}
	return b.dropEach(ctx, q.stream, []uint64{q.sequence})
}

// AcceptedIn reads the run of an identity and names the pool in whose queue it waits or waited;
// found is false when none was accepted, or it is long over.
func (b *Bus) AcceptedIn(ctx context.Context, flowJobID string) (r events.Run, pool string, found bool, err error) {
	m, found, err := b.last(ctx, streamRuns, acceptedRunFilter(flowJobID))
	if err != nil || !found {
		return r, "", false, err
	}
	if pool = m.header.Get(poolHeader); pool == "" {
		pool = strings.Split(m.Subject, ".")[2]
	}
	pool = poolOf(pool)
	r, err = decode[events.Run](m)
	return r, pool, err == nil, err
}
