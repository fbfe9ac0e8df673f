// Package slots says what became of every slot of a job, though nothing is stored
// for a slot of which there is nothing to say: the slots come out of the history of
// the job, and most of what became of them out of how far cron's clock has come.
// It is a pure package; whoever asks brings what the streams hold.
//
// # Guarantees
//
//   - A slot has one entry. What is recorded comes before what is concluded: a
//     result, a verdict, a queued trigger, a backlog, and then what a committed
//     minute means for a slot of which nothing else is said: it fired.
//   - Where facts are read in the order in which they come about (clock, backlog,
//     queues, and then results and verdicts), a slot on its way is never missed.
//   - Slots up to [Timeline.Since] are not known; of them, what is recorded is told.
//   - Work is bounded: a [Page] holds at most 10,000 slots.
package slots

import (
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// maxSlots bounds what one request looks at.
const maxSlots = 10_000

// Event is one event in the history of a job.
type Event struct {
	events.JobRevision
	Stored time.Time
}

// Timeline is what a job was, one revision after the other.
type Timeline []revision

// revision is what one event made of a job, as far as slots go. Cron reads the same
// events by the same rules.
type revision struct {
	seq        uint64 // of the event, in JOBS
	enabled    bool
	text, zone string
	sched      *schedule.Schedule // nil: it watches a folder
	start      events.Minute      // slots up to this minute are not its own
	raced      events.Minute      // up to this minute, passes may have gone by before they knew of it
}

// NewTimeline reads the history of a job, oldest event first. zone is that of jobs
// that name none. An event that cannot be read is of another version, and left out.
func NewTimeline(history []Event, zone *time.Location) Timeline {
	var t Timeline
	for _, ev := range history {
		r, err := read(ev, zone)
		if err != nil {
			continue
		}
		if n := len(t); n > 0 {
			if t[n-1].same(r) {
				continue
			}
			if t[n-1].enabled && r.enabled {
				r.raced = events.MinuteOf(ev.Stored)
			}
		}
		t = append(t, r)
	}
	return t
}

func read(ev Event, zone *time.Location) (revision, error) {
	job := ev.Event.Job
	p, err := events.ParseParameters(job.Parameters)
	if err != nil {
		return revision{}, err
	}
	r := revision{
		seq: ev.Seq, enabled: job.Status == events.Enabled,
		text: p.Schedule, zone: p.Options.Timezone, start: events.MinuteOf(job.EffectiveFrom),
	}
	if !r.enabled {
		r.start = events.MinuteOf(ev.Stored)
	}
	if p.Spooled {
		r.text = ""
		return r, nil
	}
	if r.zone != "" {
		if zone, err = schedule.LoadLocation(r.zone); err != nil {
			return revision{}, err
		}
	}
	r.sched, err = schedule.Parse(r.text, zone)
	return r, err
}

// same reports that the slots of both are the same.
func (r revision) same(o revision) bool {
	return r.enabled == o.enabled && r.text == o.text && r.zone == o.zone && (!r.enabled || r.start == o.start)
}

// Since is the minute after which all slots are known.
func (t Timeline) Since() events.Minute {
	if len(t) == 0 {
		return 0
	}
	return t[0].start
}

// Page is a stretch of time of which the slots are known, but not yet what became of them.
type Page struct {
	After, To events.Minute // minutes since 1970: (After, To]
	More      bool          // more slots may follow

	first  bool // nothing has been told yet of what began before
	points []point
	clocks []Entry // changes of clocks that left slots out
}

// Slots is how many slots the page holds.
func (p Page) Slots() int { return len(p.points) }

// point is one slot.
type point struct {
	minute events.Minute
	*revision
}

// Page finds the slots in (after, to], or the oldest of them when there are too
// many. first says that no page came before it.
func (t Timeline) Page(after, to events.Minute, first bool) Page {
	p := Page{After: after, To: to, first: first}
	for i := range t {
		r := &t[i]
		until := p.To
		if i+1 < len(t) {
			until = min(until, t[i+1].start)
		}
		from := max(after, r.start)
		if from >= until {
			continue
		}
		if after = until; r.sched == nil {
			continue
		}
		for slot := range r.sched.Slots(from.Time(), until.Time()) {
			p.points = append(p.points, point{events.MinuteOf(slot.Time), r})
			if len(p.points) == maxSlots {
				until = events.MinuteOf(slot.Time)
				p.To, p.More = until, until < to
				break
			}
		}
		if r.enabled {
			for c := range r.sched.Changes(from.Time(), until.Time()) {
				if c.Mark != "" {
					p.clocks = append(p.clocks, Entry{From: c.From, To: c.To, Verdict: events.Ruling(c.Mark), Reason: c.Text})
				}
			}
		}
	}
	return p
}

// has reports whether a minute is a slot.
func (p Page) has(minute events.Minute) bool {
	_, found := slices.BinarySearchFunc(p.points, minute, func(p point, m events.Minute) int { return int(p.minute - m) })
	return found
}
