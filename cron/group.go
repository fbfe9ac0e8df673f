package cron

import (
	"math"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

const never = math.MaxInt64

// group is the enabled jobs that run at the same times.
type group struct {
	events.When
	times *schedule.Schedule
	jobs  []*job        // in no order
	next  events.Minute // no slot between the last finished pass and this minute
	place int           // in groups
}

// groups is a heap by next.
type groups []*group

func (h groups) Len() int           { return len(h) }
func (h groups) Less(a, b int) bool { return h[a].next < h[b].next }

func (h groups) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].place, h[b].place = a, b
}

func (h *groups) Push(x any) {
	g := x.(*group)
	g.place = len(*h)
	*h = append(*h, g)
}

func (h *groups) Pop() any {
	last := len(*h) - 1
	g := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return g
}

// upTo calls f with each group at or below i whose next is not after minute.
func (h groups) upTo(i int, minute events.Minute, f func(*group)) {
	if i >= len(h) || h[i].next > minute {
		return
	}
	f(h[i])
	h.upTo(2*i+1, minute, f)
	h.upTo(2*i+2, minute, f)
}
