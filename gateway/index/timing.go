package index

import (
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// The slots of the coming hour are counted in parts.
const (
	partLength = 5 // minutes
	parts      = 12
)

// timing is a schedule that jobs share, and what is known of its slots after a minute.
type timing struct {
	events.When
	slots *schedule.Schedule
	jobs  int           // that share it
	next  events.Minute // the first slot; 0 = there is none

	counted  events.Minute // the minute that counts begin in
	counts   [parts]uint8  // slots in the parts of the hour from then
	counting int           // jobs that an overview has found to be enabled
}

// refresh has next be the first slot after a minute.
func (t *timing) refresh(minute events.Minute) {
	t.next = 0
	if at := t.slots.Next(minute.Time()); !at.IsZero() {
		t.next = events.MinuteOf(at)
	}
}

// starts counts the slots of the hour after a minute.
func (t *timing) starts(minute events.Minute) [parts]uint8 {
	if t.counted == minute {
		return t.counts
	}
	t.counted, t.counts = minute, [parts]uint8{}
	for at := t.next; at != 0 && at <= minute+parts*partLength; {
		t.counts[(at-minute-1)/partLength]++
		next := t.slots.Next(at.Time())
		if next.IsZero() {
			break
		}
		at = events.MinuteOf(next)
	}
	return t.counts
}

// tick has every timing know its next slot after now. x is locked.
func (x *Index) tick(now time.Time) events.Minute {
	minute := events.MinuteOf(now)
	if minute == x.minute {
		return minute
	}
	x.minute = minute
	for _, t := range x.table.timings {
		if t.next != 0 && t.next <= minute {
			t.refresh(minute)
		}
	}
	return minute
}

// description is a schedule in words, with its zone.
func (t *timing) description() (timezone, words string) {
	return t.slots.Location().String(), t.slots.Describe()
}
