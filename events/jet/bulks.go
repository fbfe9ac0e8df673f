package jet

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

// bulkPart is how many items one message of a list holds.
const bulkPart = 5000

// Bulks are the actions on many things, each as it stands.
func (b *Bus) Bulks() View[events.Bulk] {
	return view[events.Bulk](b, streamBulks, allBulksFilter)
}

// Bulk asks the leader for one action; seq 0 = there is none, or no more.
func (b *Bus) Bulk(ctx context.Context, id string) (bulk events.Bulk, seq uint64, err error) {
	m, found, err := b.last(ctx, streamBulks, bulkSubject(id))
	if err != nil || !found {
		return bulk, 0, err
	}
	bulk, err = decode[events.Bulk](m)
	return bulk, m.Sequence, err
}

// BeginBulk stores an action and what it is about: first the list, then the action,
// which counts from then on. It is [IsConflict] when one of its id is there.
func (b *Bus) BeginBulk(ctx context.Context, bulk events.Bulk, items []events.BulkItem) (events.Bulk, uint64, error) {
	bulk.List = uuid.NewString()
	for n, left := 0, items; len(left) > 0; n++ {
		part := left[:min(len(left), bulkPart)]
		left = left[len(part):]
		if _, err := b.commit(ctx, streamBulks, message{Subject: bulkItemsSubject(bulk.List, n), Data: body(part)}); err != nil {
			return bulk, 0, err
		}
	}
	seq, err := b.PutBulk(ctx, bulk, 0)
	if err != nil && !IsUnknown(err) {
		_ = b.ForgetBulkItems(ctx, bulk.List) // or they go with age
	}
	return bulk, seq, err
}

// PutBulk stores how far an action is. expect is the sequence of what is replaced: when
// it is another by now, somebody else works on it, and the error is [IsConflict].
func (b *Bus) PutBulk(ctx context.Context, bulk events.Bulk, expect uint64) (uint64, error) {
	return b.commit(ctx, streamBulks, message{Subject: bulkSubject(bulk.ID), Data: body(bulk), Expect: &expect})
}

// BulkItems reads a list.
func (b *Bus) BulkItems(ctx context.Context, list string) (items []events.BulkItem, err error) {
	for n := 0; ; n++ {
		m, found, err := b.last(ctx, streamBulks, bulkItemsSubject(list, n))
		if err != nil || !found {
			return items, err
		}
		part, err := decode[[]events.BulkItem](m)
		if err != nil {
			return nil, err
		}
		items = append(items, part...)
	}
}

// ForgetBulkItems deletes a list.
func (b *Bus) ForgetBulkItems(ctx context.Context, list string) error {
	return b.purge(ctx, streamBulks, purgeRequest{Filter: bulkItemsFilter(list)})
}

// JobRevisions calls f with the newest revision of each of the jobs that there is, in no
// order. It reads from any replica.
func (b *Bus) JobRevisions(ctx context.Context, ids []string, f func(events.JobRevision)) error {
	for len(ids) > 0 {
		part := ids[:min(len(ids), maxMulti)]
		ids = ids[len(part):]
		subjects := make([]string, len(part))
		for i, id := range part {
			subjects[i] = jobSubject(id)
		}
		err := b.lastOf(ctx, streamJobs, subjects, func(m Stored) {
			if ev, err := decode[events.JobEvent](m); err == nil && ev.Event != events.JobDeleted {
				f(jobRevision(m, ev))
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Triggered reports whether a trigger is queued, or has a result, since it was stored:
// what asks for it again has asked before.
func (b *Bus) Triggered(ctx context.Context, kind events.Kind, t events.Trigger) (known bool, err error) {
	err = b.sinceSure(ctx, streamTriggers, triggerSubject(kind, t.JobID), t.At, func(m Stored) bool {
		queued, err := decode[events.Trigger](m)
		known = err == nil && queued.ID == t.ID
		return !known
	})
	if err != nil || known {
		return known, err
	}
	err = b.sinceSure(ctx, streamResults, resultSubject(t.JobID), t.At, func(m Stored) bool {
		known = m.TriggerID() == t.ID
		return !known
	})
	return known, err
}

// StartedBy gives the newest trigger that a user asked for by hand under a key, of a job since
// a time: such a trigger is named after its key, by a UUID of version 5. "" = none.
func (b *Bus) StartedBy(ctx context.Context, jobID, user string, since time.Time) (triggerID string, err error) {
	var newest time.Time
	take := func(id, by string, at time.Time) {
		key, err := uuid.Parse(id[strings.LastIndexByte(id, ':')+1:])
		if err == nil && key.Version() == 5 && by == user && at.After(newest) {
			newest, triggerID = at, id
		}
	}
	err = b.sinceSure(ctx, streamTriggers, triggerSubject(events.KindManual, jobID), since, func(m Stored) bool {
		if t, err := decode[events.Trigger](m); err == nil {
			take(t.ID, t.By, t.At)
		}
		return true
	})
	if err != nil {
		return "", err
	}
	err = b.sinceSure(ctx, streamResults, resultSubject(jobID), since, func(m Stored) bool {
		if r, err := decode[events.Result](m); err == nil && r.Kind == events.KindManual && !r.TriggeredAt.Before(since) {
			take(r.TriggerID, r.By, r.TriggeredAt)
		}
		return true
	})
	return triggerID, err
}

// bulkSubject holds the [events.Bulk] of an id.
func bulkSubject(id string) string { return familyBulk + "." + id }

// bulkItemsFilter filters the parts of a list.
func bulkItemsFilter(list string) string { return familyBulkItems + "." + list + ".>" }

// bulkItemsSubject holds the n-th part of a list.
func bulkItemsSubject(list string, n int) string {
	return familyBulkItems + "." + list + "." + strconv.Itoa(n)
}
