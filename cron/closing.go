package cron

import (
	"time"

	"spool.internal/events"
)

// closing is what one change of a job leaves to be answered for.
type closing struct {
	seq uint64 // of the change
	owed
}

// closings returns what each change after seen in a job's history leaves to be answered:
// slots that the job still owed as it was before, and slots of what it became, if passes
// went by before they knew of the change. Those passes answered everything up to done,
// by what they knew of the job.
//
// What one change leaves does not depend on whether those before it are committed, so
// changes can be committed in any number of batches.
func closings(history []events.Period, seen uint64, done events.Minute, now time.Time) []closing {
	timeline := events.NewTimeline(history)
	var all []closing
	for i := range timeline {
		r := &timeline[i]
		if r.Seq <= seen {
			continue
		}
		c, fresh := closing{seq: r.Seq}, r.Created
		if i > 0 {
			before := &timeline[i-1]
			fresh = !before.Active()
			c.end(before, r, done)
		}
		switch last := i+1 == len(timeline); {
		case !fresh || !r.Active():
		case r.Shadow && !last:
			c.shadow(r, r.Start, min(done, timeline[i+1].Start))
		case last:
			o := owe(r, r.Start, done, now)
			c.fire, c.passed, c.later = o.fire, append(c.passed, o.passed...), o.later
		default:
			c.miss(r, r.Start, min(done, timeline[i+1].Start), &timeline[i+1])
		}
		if !c.empty() {
			all = append(all, c)
		}
	}
	return all
}

// end answers for what is left of a revision that another has ended.
func (c *closing) end(before, after *events.Period, done events.Minute) {
	if before.Enabled {
		c.miss(before, max(before.Start, done), after.Start, after)
	} else if before.Shadow {
		c.shadow(before, max(before.Start, done), after.Start)
	} else if first, last, ok := before.Within(before.Start, after.Start); ok {
		c.pass(first, last, events.VerdictDisabled, "") // no pass has answered for any of them
	}
}

// miss records slots of a revision that will not run because another came after it.
func (c *closing) miss(r *events.Period, from, to events.Minute, after *events.Period) {
	reason := events.WhyEdited
	if !after.Enabled {
		reason = events.WhyDisabledFirst
	}
	if first, last, ok := r.Within(from, to); ok {
		c.pass(first, last, events.VerdictMissed, reason)
	}
}

// shadow records slots that would have run.
func (c *closing) shadow(r *events.Period, from, to events.Minute) {
	if first, last, ok := r.Within(from, to); ok {
		c.pass(first, last, events.VerdictShadow, "")
	}
}
