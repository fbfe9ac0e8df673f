package cron

import (
	"fmt"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// change is one event in the history of a job.
type change struct {
	events.JobRevision
	stored time.Time // when the stream took it in
}

// revision is what one event made of a job, as far as slots go.
type revision struct {
	seq     uint64 // of the event, in JOBS
	created bool   // the event made the job
	enabled bool
	born    int64 // minute since 1970 in which the job was created
	start   int64 // minute since 1970; slots up to it are not this revision's
	catchUp policy
	spec
	sched *schedule.Schedule // nil: the job watches a folder
}

// spec is when a job runs, as its client wrote it.
type spec struct {
	text string // empty: the job watches a folder
	zone string // empty: the service's
}

func (s spec) parse(zone *time.Location) (*schedule.Schedule, error) {
	if s.text == "" {
		return nil, nil
	}
	if s.zone != "" {
		var err error
		if zone, err = schedule.LoadLocation(s.zone); err != nil {
			return nil, err
		}
	}
	return schedule.Parse(s.text, zone)
}

// read gives the revision without its parsed schedule, which jobs share.
func (c change) read() (revision, error) {
	job := c.Event.Job
	when, catchUp, err := readParameters(job.Parameters)
	if err != nil {
		return revision{}, fmt.Errorf("parameters of job %s: %w", job.ID, err)
	}
	r := revision{
		seq:     c.Seq,
		created: c.Event.Event == events.JobCreated,
		enabled: job.Status == events.Enabled,
		born:    minuteOf(time.Unix(0, job.CreatedOnNS)),
		start:   minuteOf(job.EffectiveFrom),
		catchUp: catchUp,
		spec:    when,
	}
	if !r.enabled {
		// A pass that did not see this event was over before it was stored, so by
		// this time no slot is both triggered and disabled.
		r.start = minuteOf(c.stored)
	}
	return r, nil
}

// same reports that the slots of both are the same: their difference is another.
func (r revision) same(o revision) bool {
	return r.enabled == o.enabled && r.spec == o.spec && (!r.enabled || r.start == o.start)
}

// slots gives the first and the last slot in (from, to].
func (r revision) slots(from, to int64) (first, last int64, ok bool) {
	if r.sched == nil || from >= to {
		return 0, 0, false
	}
	newest, ok := r.sched.Prev(timeOf(to), timeOf(from))
	if !ok {
		return 0, 0, false
	}
	return minuteOf(r.sched.Next(timeOf(from))), minuteOf(newest), true
}

// count says how many slots lie in [first, last].
func (r revision) count(first, last int64) (n int) {
	for range r.sched.Slots(timeOf(first-1), timeOf(last)) {
		n++
	}
	return n
}

// minuteOf is the minute since 1970 that t lies in.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

func timeOf(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }
