package cron

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// step is what one job, or one change of it, contributes to a pass.
type step struct {
	jobID  string
	jobSeq uint64
	owed
	clock events.Clock // once the step is committed
}

// changes settles the changes of jobs that no pass has seen yet. They come before
// the slots and in the order of their events, so that JobsSeq tells, wherever a
// pass is cut short, which of them are settled.
func (e *engine) changes(ctx context.Context, v view, now time.Time) ([]step, error) {
	var steps []step
	for _, j := range v.changed {
		history, err := e.history(ctx, j, v.seq)
		if err != nil {
			return nil, err
		}
		for _, c := range settle(history, e.clock.JobsSeq, e.clock.Answered(j.id), now) {
			clock := e.clock
			clock.JobsSeq = c.seq
			steps = append(steps, step{j.id, j.seq, c.owed, clock})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.clock.JobsSeq, b.clock.JobsSeq) })
	return steps, nil
}

// history gives the revisions of a job up to a sequence of JOBS.
func (e *engine) history(ctx context.Context, j *job, seq uint64) ([]revision, error) {
	if j.created {
		return []revision{j.revision}, nil
	}
	all, err := e.jobs.History(ctx, j.id)
	if err != nil {
		return nil, err
	}
	var revisions []revision
	for _, c := range all {
		if c.Gone() {
			return nil, nil // it owes nothing any more
		}
		if c.Seq > seq {
			break
		}
		r, err := c.read()
		if err == nil {
			r.sched, err = r.parse(e.table.zone)
		}
		if err != nil {
			e.log.Error("an event of a job cannot be read", "job_id", j.id, "error", err.Error())
			continue
		}
		revisions = append(revisions, r)
	}
	if n := len(revisions); n == 0 || revisions[n-1].seq < j.seq {
		return nil, &events.Error{Code: events.Unavailable, Message: "the history of job " + j.id + " is not up to date yet"}
	}
	return revisions, nil
}

// slots gives a step for each job that owes something in the minutes of a pass.
func (v view) slots(end events.Clock, now time.Time) iter.Seq[step] {
	type like struct { // jobs alike in these owe alike
		sched   *schedule.Schedule
		catchUp policy
		from    events.Minute
	}
	known := map[like]owed{}
	return func(yield func(step) bool) {
		for _, j := range v.due {
			k := like{j.sched, j.catchUp, max(end.From, j.start)}
			o, ok := known[k]
			if !ok {
				o = j.owe(k.from, end.Minute, now)
				known[k] = o
			}
			if o.empty() {
				continue
			}
			clock := end
			clock.Cursor = j.id
			if !yield(step{j.id, j.seq, o, clock}) {
				return
			}
		}
	}
}
