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
	born    events.Minute // minute since 1970 in which the job was created
	start   events.Minute // minute since 1970; slots up to it are not this revision's
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
		born:    events.MinuteOf(time.Unix(0, job.CreatedOnNS)),
		start:   events.MinuteOf(job.EffectiveFrom),
		catchUp: catchUp,
		spec:    when,
	}
	if !r.enabled {
		// A pass that did not see this event was over before it was stored, so by
		// this time no slot is both triggered and disabled.
		r.start = events.MinuteOf(c.stored)
	}
	return r, nil
}

// same reports that the slots of both are the same: their difference is another.
func (r revision) same(o revision) bool {
	return r.enabled == o.enabled && r.spec == o.spec && (!r.enabled || r.start == o.start)
}

// slots gives the first and the last slot in (from, to].
func (r revision) slots(from, to events.Minute) (first, last events.Minute, ok bool) {
	if r.sched == nil || from >= to {
		return 0, 0, false
	}
	newest, ok := r.sched.Prev(to.Time(), from.Time())
	if !ok {
		return 0, 0, false
	}
	return events.MinuteOf(r.sched.Next(from.Time())), events.MinuteOf(newest), true
}

// count says how many slots lie in [first, last].
func (r revision) count(first, last events.Minute) (n int) {
	for range r.sched.Slots((first - 1).Time(), last.Time()) {
		n++
	}
	return n
}
