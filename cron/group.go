package cron

import (
	"math"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

const never = math.MaxInt64

// group is the enabled and shadowed jobs that run at the same times.
type group struct {
	events.When
	times *schedule.Schedule
	jobs  []*job        // in no order
	next  events.Minute // no slot lies between the last finished pass and this minute
	place int           // in the heap of groups
}

// upTo calls f with each group of a heap, at or below place, whose next is not after
// minute. It looks at no other group but those beside them.
func upTo(heap []*group, place int, minute events.Minute, f func(*group)) {
	if place >= len(heap) || heap[place].next > minute {
		return
	}
	f(heap[place])
	upTo(heap, 2*place+1, minute, f)
	upTo(heap, 2*place+2, minute, f)
}
