package cron

import (
	"time"

	"spool.internal/events"
)

// window is how many minutes back slots are caught up.
const window = 24 * 60

// policy is what a job asks for the slots that came while Spool was not there.
type policy uint8

const (
	latest policy = iota // the newest runs
	none                 // none runs
	all                  // all run, the older ones later
)

var policies = map[string]policy{"": latest, "latest": latest, "none": none, "all": all}

// owed is what some slots of one job lead to: at most one trigger now, for the newest.
type owed struct {
	fire   events.Minute // the slot to trigger; 0 = none
	passed []span
	later  *events.Stretch // older slots, for the backlog
}

// span is a run of slots that lead to no trigger.
type span struct {
	from, to events.Minute // first and last slot
	verdict  events.Ruling
	reason   string
}

func (o owed) empty() bool { return o.fire == 0 && len(o.passed) == 0 }

// size is the messages that it takes to store it.
func (o owed) size() int {
	n := len(o.passed)
	if o.fire != 0 {
		n++
	}
	if o.later != nil {
		n++
	}
	return n
}

func (o *owed) pass(from, to events.Minute, verdict events.Ruling, reason string) {
	o.passed = append(o.passed, span{from, to, verdict, reason})
}

const (
	beyondWindow = "beyond the catch-up window"
	notRunning   = "not running"
	newerRan     = "a newer slot ran instead"
)

// owe says what the slots in (from, to] lead to that nothing has answered for yet.
func (r revision) owe(from, to events.Minute, now time.Time) owed {
	var o owed
	oldest := events.MinuteOf(now) - window
	if first, last, ok := r.slots(from, min(to, oldest-1)); ok {
		o.pass(first, last, events.VerdictMissed, beyondWindow)
	}
	first, last, ok := r.slots(max(from, oldest-1), to)
	if !ok {
		return o
	}
	if r.catchUp == none && events.CaughtUp(last, now) {
		o.pass(first, last, events.VerdictMissed, notRunning)
		return o
	}
	o.fire = last
	if first, last, ok = r.slots(first-1, last-1); !ok {
		return o
	}
	switch r.catchUp {
	case latest:
		o.pass(first, last, events.VerdictSuperseded, newerRan)
	case none:
		o.pass(first, last, events.VerdictMissed, notRunning)
	case all:
		o.later = &events.Stretch{When: events.When{Schedule: r.text, Timezone: r.zone}, From: first, To: last, Slots: r.count(first, last)}
	}
	return o
}
