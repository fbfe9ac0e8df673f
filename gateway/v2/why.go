package v2

import (
	"context"
	"net/url"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// explained is a job about which somebody asks why.
type explained struct {
	*API
	who  change.Caller
	job  events.Job
	plan *events.Plan // nil: another version stored it
	at   why.At
}

// explain begins an explanation.
func (a *API) explain(who change.Caller, job events.Job) *explained {
	x := &explained{API: a, who: who, job: job, plan: a.stored(job), at: why.At{Now: time.Now(), Zone: a.Zone}}
	if x.plan != nil {
		x.at.Zone = x.plan.Zone
	}
	return x
}

func (x *explained) facts() why.Facts { return why.Facts{Timezone: x.at.Zone.String()} }

// watches reports whether the job has a folder in place of a schedule.
func (x *explained) watches() bool { return x.plan != nil && x.plan.Spooled }

// ExplainJob says why a job, one of its slots, files or executions stands as it does.
func (a *API) ExplainJob(ctx context.Context, who change.Caller, id string, values url.Values) (answer why.Answer, err error) {
	q := wire.ReadValues(values, "at", "file", "trigger_id")
	at, path, trigger := q.Time("at", time.Time{}), q.Text("file"), q.Text("trigger_id")
	if !at.IsZero() && path+trigger != "" || path != "" && trigger != "" {
		q.Fail("at", "is one of three questions: ask for at, file or trigger_id, each alone")
	}
	if q.Err() != nil {
		return answer, q.Err()
	}
	rev, err := a.Changes.Find(ctx, who, id)
	if err != nil {
		return answer, err
	}
	x := a.explain(who, rev.Event.Job)
	switch {
	case !at.IsZero():
		return x.slot(ctx, events.MinuteOf(at))
	case path != "":
		return x.file(ctx, path)
	case trigger != "":
		return x.trigger(ctx, trigger)
	default:
		return x.now(ctx)
	}
}

// trigger explains an execution.
func (x *explained) trigger(ctx context.Context, id string) (why.Answer, error) {
	kind, of, _ := strings.Cut(id, ":")
	if jobID, _, _ := strings.Cut(of, ":"); jobID != x.job.ID {
		return why.Answer{}, noSuchTrigger()
	}
	switch events.Kind(kind) {
	case events.KindCron:
		minute, ok := slotOfTrigger(id)
		if !ok {
			return why.Answer{}, noSuchTrigger()
		}
		answer, err := x.slot(ctx, minute)
		return x.at.Execution(answer.Facts), err
	case events.KindFile:
		return x.fileOfTrigger(ctx, id)
	}
	f := x.facts()
	f.Kind, f.TriggerID = events.KindManual, id
	if t, found, err := x.manual(ctx, id); err != nil {
		return why.Answer{}, err
	} else if found {
		f.By, f.Triggered, f.Verdict = t.By, t.At.UTC(), why.Queued
		err = x.retrying(ctx, &f, t.At)
		return x.at.Execution(f), err
	}
	res, found, err := x.newest(ctx, id, time.Time{})
	if err == nil && found {
		err = x.ran(ctx, &f, res)
	} else if err == nil {
		var v events.Verdict
		if v, found, err = x.verdictOn(ctx, id); err == nil && !found {
			err = noSuchTrigger()
		}
		f.Verdict, f.Reason, f.At = v.Verdict, v.Reason, v.At
		if err == nil && v.Verdict == events.VerdictSkipped {
			err = x.blockedBy(ctx, &f, v)
		}
	}
	return x.at.Execution(f), err
}

func noSuchTrigger() error {
	return events.Faultf(events.NotFound, "trigger_id", "no execution of this job has this trigger, or it is not kept any more")
}

// manual finds a trigger by hand that waits in its queue.
func (x *explained) manual(ctx context.Context, id string) (t events.Trigger, found bool, err error) {
	for _, kind := range []events.Kind{events.KindManual, events.KindRetry} {
		err = x.Bus.Triggers(kind, x.job.ID).Since(ctx, time.Time{}, func(m jet.Entry[events.Trigger]) bool {
			if v, err := m.Value(); err == nil && v.ID == id {
				t, found = v, true
				t.At = m.Time
			}
			return !found
		})
		if err != nil || found {
			break
		}
	}
	return t, found, err
}

// verdictOn finds the verdict on one trigger.
func (x *explained) verdictOn(ctx context.Context, id string) (v events.Verdict, found bool, err error) {
	err = x.Bus.Verdicts(x.job.ID).Each(ctx, func(one events.Verdict) {
		if one.TriggerID == id {
			v, found = one, true
		}
	})
	return v, found, err
}
