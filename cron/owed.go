package cron

import (
	"time"

	"spool.internal/events"
)

const (
	onTime = time.Minute // a slot committed so soon after its minute is not late
	window = 24 * 60     // minutes; an older slot is not caught up
)

// owed is what some slots of one job lead to: at most one trigger, for the newest.
type owed struct {
	fire   int64 // the slot to trigger; 0 = none
	passed []span
}

// span is a run of slots that lead to no trigger.
type span struct {
	from, to        int64 // first and last slot
	verdict, reason string
}

func (o owed) empty() bool { return o.fire == 0 && len(o.passed) == 0 }

func (o *owed) pass(from, to int64, verdict, reason string) {
	o.passed = append(o.passed, span{from, to, verdict, reason})
}

// owe says what the slots in (from, to] lead to that nothing has answered for yet.
func (r revision) owe(from, to int64, now time.Time) owed {
	var o owed
	oldest := minuteOf(now) - window
	if first, last, ok := r.slots(from, min(to, oldest-1)); ok {
		o.pass(first, last, events.VerdictMissed, "beyond the catch-up window")
	}
	first, last, ok := r.slots(max(from, oldest-1), to)
	if !ok {
		return o
	}
	if r.none && now.Sub(timeOf(last)) > onTime {
		o.pass(first, last, events.VerdictMissed, "not running")
		return o
	}
	o.fire = last
	if first, last, ok = r.slots(first-1, last-1); ok {
		if r.none {
			o.pass(first, last, events.VerdictMissed, "not running")
		} else {
			o.pass(first, last, events.VerdictSuperseded, "a newer slot ran instead")
		}
	}
	return o
}
