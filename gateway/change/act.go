package change

import (
	"context"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

// Act does one action of many with one job, if that is still at the revision that was
// counted. Nil says that it is done, by this call or by an earlier one of the same
// action: what an action does to a job bears its id. again says that there may have been
// an earlier one, which is looked for where the job does not tell.
func (j *Jobs) Act(ctx context.Context, who Caller, b events.Bulk, item events.BulkItem, again bool) error {
	switch b.Action {
	case events.BulkRun:
		return j.runOnce(ctx, who, b, item, again)
	case events.BulkEnable, events.BulkDisable, events.BulkDelete:
	default:
		return events.Faultf(events.Invalid, "action", "%q is no action with jobs", b.Action)
	}
	_, err := j.update(ctx, who, item.ID, func(rev events.JobRevision) (events.Change, events.Job, error) {
		job := rev.Event.Job
		if rev.Seq != item.Seq {
			if rev.Event.Bulk == b.ID {
				return "", job, nil
			}
			return "", job, changed(rev)
		}
		switch b.Action {
		case events.BulkEnable:
			return enabled(who, job)
		case events.BulkDisable:
			return disabled(who, job, Terms{b.Reason, b.Until})
		default:
			return gone(job)
		}
	})
	if events.CodeOf(err) == events.NotFound {
		return j.wasDeleted(ctx, b, item.ID)
	}
	return err
}

// changed says that a job is not what was counted.
func changed(rev events.JobRevision) error {
	return events.Faultf(events.Conflict, "", "changed: %s by %s at %s", rev.Event.Event, rev.Event.By, rev.Event.At.UTC().Format(time.RFC3339))
}

// wasDeleted says who has deleted a job; nil when it was this action.
func (j *Jobs) wasDeleted(ctx context.Context, b events.Bulk, id string) error {
	rev, found, err := j.Store.LastJob(ctx, id)
	switch {
	case err != nil:
		return err
	case found && rev.Gone() && rev.Event.Bulk == b.ID && b.Action == events.BulkDelete:
		return nil
	case found && rev.Gone():
		return changed(rev)
	default:
		return events.Faultf(events.NotFound, "", "changed: the job is gone")
	}
}

// runOnce runs a job once for one action.
func (j *Jobs) runOnce(ctx context.Context, who Caller, b events.Bulk, item events.BulkItem, again bool) error {
	key := "\x00bulk\x00" + b.ID
	if again {
		t := events.Trigger{ID: events.ManualTriggerID(item.ID, nonceOf(key)), JobID: item.ID, At: b.Started}
		if known, err := j.Store.Triggered(ctx, events.KindManual, t); err != nil || known {
			return err
		}
	}
	rev, err := j.Find(ctx, who, item.ID)
	switch {
	case events.CodeOf(err) == events.NotFound:
		return j.wasDeleted(ctx, b, item.ID)
	case err != nil:
		return err
	case rev.Seq != item.Seq:
		return changed(rev)
	}
	_, err = j.trigger(ctx, who, item.ID, key, events.Trigger{})
	return err
}

// nonceOf is what a key makes of the identity of a trigger.
func nonceOf(key string) string { return uuid.NewSHA1(triggerSpace, []byte(key)).String() }
