package cron

import (
	"slices"
	"time"

	"spool.internal/events"
)

// Why slots of a revision did not run when another came after it.
const (
	edited        = "edited"
	disabledFirst = "disabled before it could run"
)

// closing is what one change of a job leaves to be answered for.
type closing struct {
	seq uint64 // of the change
	owed
}

// settle goes through the changes after seen in the history of a job and gives
// what each leaves: the slots that the job still owed as it was before, and slots
// of what it became that passes went by before they knew of it. Those passes have
// answered for everything up to done, as they knew the job.
//
// What one change leaves is the same whether or not those before it are settled
// already, so changes can be settled in any number of commits.
func settle(history []revision, seen uint64, done events.Minute, now time.Time) []closing {
	history = slices.CompactFunc(slices.Clone(history), func(a, b revision) bool { return a.same(b) })
	var all []closing
	for i, r := range history {
		if r.seq <= seen {
			continue
		}
		c, fresh := closing{seq: r.seq}, r.created
		if i > 0 {
			before := history[i-1]
			fresh = !before.enabled
			c.end(before, r, done)
		}
		switch last := i+1 == len(history); {
		case !fresh || !r.enabled:
		case last:
			o := r.owe(r.start, done, now)
			c.fire, c.passed, c.later = o.fire, append(c.passed, o.passed...), o.later
		default:
			c.miss(r, r.start, min(done, history[i+1].start), history[i+1])
		}
		if !c.empty() {
			all = append(all, c)
		}
	}
	return all
}

// end answers for what is left of a revision that another has ended.
func (c *closing) end(before, after revision, done events.Minute) {
	if before.enabled {
		c.miss(before, max(before.start, done), after.start, after)
	} else if first, last, ok := before.slots(before.start, after.start); ok {
		c.pass(first, last, events.VerdictDisabled, "") // no pass has answered for any of them
	}
}

// miss records slots of a revision that will not run because another came after it.
func (c *closing) miss(r revision, from, to events.Minute, after revision) {
	reason := edited
	if !after.enabled {
		reason = disabledFirst
	}
	if first, last, ok := r.slots(from, to); ok {
		c.pass(first, last, events.VerdictMissed, reason)
	}
}
