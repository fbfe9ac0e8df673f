package cron

import (
	"time"

	"spool.internal/events"
)

// window is how many minutes back slots are caught up.
const window = 24 * 60

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

// owe says what the slots of a period in (from, to] lead to that nothing has answered for
// yet. Those of a shadowed job are decided alike, and what would run is recorded.
func owe(r *events.Period, from, to events.Minute, now time.Time) owed {
	o := decide(r, from, to, now)
	if !r.Shadow {
		return o
	}
	if o.later != nil {
		o.pass(o.later.From, o.later.To, events.VerdictShadow, "")
	}
	if o.fire != 0 {
		o.pass(o.fire, o.fire, events.VerdictShadow, "")
	}
	o.fire, o.later = 0, nil
	return o
}

func decide(r *events.Period, from, to events.Minute, now time.Time) owed {
	var o owed
	oldest := events.MinuteOf(now) - window
	if first, last, ok := r.Within(from, min(to, oldest-1)); ok {
		o.pass(first, last, events.VerdictMissed, events.WhyTooOld)
	}
	first, last, ok := r.Within(max(from, oldest-1), to)
	if !ok {
		return o
	}
	if r.CatchUp == events.CatchUpNone && events.CaughtUp(last, now) {
		o.pass(first, last, events.VerdictMissed, events.WhyNotRunning)
		return o
	}
	o.fire = last
	if first, last, ok = r.Within(first-1, last-1); !ok {
		return o
	}
	switch r.CatchUp {
	case events.CatchUpLatest:
		o.pass(first, last, events.VerdictSuperseded, events.WhyNewerRan)
	case events.CatchUpNone:
		o.pass(first, last, events.VerdictMissed, events.WhyNotRunning)
	case events.CatchUpAll:
		o.later = &events.Stretch{When: r.When, From: first, To: last, Slots: r.Count(first, last)}
	}
	return o
}
