package events

import (
	"fmt"
	"iter"
	"time"

	"spool.internal/events/schedule"
)

// JobChange is one event in the history of a job.
type JobChange struct {
	JobRevision
	Stored time.Time // when the stream took it in
}

// Period is a time in which one rule says which slots a job has: what a change made of
// the job, as far as slots go.
type Period struct {
	Timing
	Seq     uint64 // of the change, in JOBS
	Created bool   // the change made the job
	Enabled bool
	Born    Minute             // in which the job was created
	Start   Minute             // slots up to it are not this period's
	Stored  Minute             // in which the stream took the change in
	Raced   Minute             // see [NewTimeline]
	Times   *schedule.Schedule // see [Period.Parse]; nil: the job watches a folder
}

// Period reads what a change made of a job, without its Times, which jobs can share.
func (c *JobChange) Period() (Period, error) {
	job := &c.Event.Job
	timing, err := job.Timing()
	if err != nil {
		return Period{}, fmt.Errorf("parameters of job %s: %w", job.ID, err)
	}
	p := Period{
		Timing:  timing,
		Seq:     c.Seq,
		Created: c.Event.Event == JobCreated,
		Enabled: job.Status == Enabled,
		Born:    MinuteOf(time.Unix(0, job.CreatedOnNS)),
		Start:   MinuteOf(job.EffectiveFrom),
		Stored:  MinuteOf(c.Stored),
	}
	p.Shadow = p.Shadow && !p.Enabled
	if !p.Active() {
		// A pass that did not see this change was over before it was stored, so by
		// this time no slot is both triggered and disabled.
		p.Start = p.Stored
	}
	return p, nil
}

// Active reports whether passes answer for the slots of the period: it is enabled, or
// shadowed.
func (p *Period) Active() bool { return p.Enabled || p.Shadow }

// Parse sets Times; zone is that of jobs that name none.
func (p *Period) Parse(zone *time.Location) (err error) {
	p.Times, err = p.Slots(zone)
	return err
}

// Same reports whether the slots of both are the same; they may differ in other ways.
func (p *Period) Same(o *Period) bool {
	return p.Enabled == o.Enabled && p.Shadow == o.Shadow && p.When == o.When && (!p.Enabled || p.Start == o.Start)
}

// Within gives the first and the last slot in (from, to]; ok is false when there is none.
func (p *Period) Within(from, to Minute) (first, last Minute, ok bool) {
	if p.Times == nil || from >= to {
		return 0, 0, false
	}
	newest, ok := p.Times.Prev(to.Time(), from.Time())
	if !ok {
		return 0, 0, false
	}
	return MinuteOf(p.Times.Next(from.Time())), MinuteOf(newest), true
}

// Count counts the slots in [first, last].
func (p *Period) Count(first, last Minute) (n int) {
	for range p.Times.Slots((first - 1).Time(), last.Time()) {
		n++
	}
	return n
}

// Timeline is what a job was, one period after the other: it says whose a slot is.
type Timeline []Period

// TimelineOf reads the history of a job, oldest change first; zone is that of jobs that
// name none. A change that cannot be read is of another version, and left out.
func TimelineOf(history []JobChange, zone *time.Location) Timeline {
	var periods []Period
	for _, c := range history {
		if p, err := c.Period(); err == nil && p.Parse(zone) == nil {
			periods = append(periods, p)
		}
	}
	return NewTimeline(periods)
}

// NewTimeline takes periods, oldest first, and leaves out those whose slots are the same
// as before. Where one active period follows another it sets Raced, up to which passes
// may have gone by before they knew of the change.
func NewTimeline(periods []Period) Timeline {
	var t Timeline
	for i, p := range periods {
		if i > 0 && p.Same(&periods[i-1]) {
			continue
		}
		if n := len(t); n > 0 && t[n-1].Active() && p.Active() {
			p.Raced = p.Stored
		}
		t = append(t, p)
	}
	return t
}

// Since gives the minute after which all slots are known.
func (t Timeline) Since() Minute {
	if len(t) == 0 {
		return 0
	}
	return t[0].Start
}

// In yields each period with the minutes (from, until] of (after, to] that are its own.
func (t Timeline) In(after, to Minute) iter.Seq2[*Period, [2]Minute] {
	return func(yield func(*Period, [2]Minute) bool) {
		for i := range t {
			until := to
			if i+1 < len(t) {
				until = min(until, t[i+1].Start)
			}
			from := max(after, t[i].Start)
			if from >= until {
				continue
			}
			if after = until; !yield(&t[i], [2]Minute{from, until}) {
				return
			}
		}
	}
}
