package cron

import (
	"cmp"
	"context"
	"iter"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/events/sorting"
)

// step is what one job, or one change of it, contributes to a pass.
type step struct {
	jobID  string
	jobSeq uint64
	owed
	clock events.Clock // once the step is committed
}

// changes gives a step for each change of a job that no pass has answered yet. They come
// before the slots and in the order of their events, so that JobsSeq tells, wherever a
// pass is cut short, which of them are answered.
func (e *engine) changes(ctx context.Context, v view, now time.Time) ([]step, error) {
	var steps []step
	for _, j := range v.changed {
		history, err := e.history(ctx, j, v.seq)
		if err != nil {
			return nil, err
		}
		for _, c := range closings(history, e.clock.JobsSeq, e.clock.Answered(j.id), now) {
			clock := e.clock
			clock.JobsSeq = c.seq
			steps = append(steps, step{j.id, j.Seq, c.owed, clock})
		}
	}
	sorting.By(steps, func(a, b step) int { return cmp.Compare(a.clock.JobsSeq, b.clock.JobsSeq) })
	return steps, nil
}

// history gives the periods of a job up to a sequence of JOBS.
func (e *engine) history(ctx context.Context, j *job, seq uint64) ([]events.Period, error) {
	if j.Created {
		return []events.Period{j.Period}, nil
	}
	all, err := e.jobs.History(ctx, j.id)
	if err != nil {
		return nil, err
	}
	var periods []events.Period
	for _, c := range all {
		if c.Gone() {
			return nil, nil // it owes nothing any more
		}
		if c.Seq > seq {
			break
		}
		r, err := c.Period()
		if err == nil {
			err = r.Parse(e.index.zone)
		}
		if err != nil {
			e.log.Error("an event of a job cannot be read", "job_id", j.id, "error", err.Error())
			continue
		}
		periods = append(periods, r)
	}
	if n := len(periods); n == 0 || periods[n-1].Seq < j.Seq {
		return nil, &events.Error{Code: events.Unavailable, Message: "the history of job " + j.id + " is not up to date yet"}
	}
	return periods, nil
}

// slots gives a step for each job that owes something in the minutes of a pass.
func (v view) slots(end events.Clock, now time.Time) iter.Seq[step] {
	type like struct { // jobs alike in these owe alike
		sched   *schedule.Schedule
		catchUp events.CatchUp
		shadow  bool
		from    events.Minute
	}
	known := map[like]owed{}
	return func(yield func(step) bool) {
		for _, j := range v.due {
			k := like{j.Times, j.CatchUp, j.Shadow, max(end.From, j.Start)}
			o, ok := known[k]
			if !ok {
				o = owe(&j.Period, k.from, end.Minute, now)
				known[k] = o
			}
			if o.empty() {
				continue
			}
			clock := end
			clock.Cursor = j.id
			if !yield(step{j.id, j.Seq, o, clock}) {
				return
			}
		}
	}
}
