package cron

import (
	"time"

	"spool.internal/events"
)

// backlog is a heap of what jobs are owed, in the order in which it is worked off:
// by slot, then by job. None in it is empty.
type backlog []*events.Backlog

func (h backlog) Len() int { return len(h) }

func (h backlog) Less(a, b int) bool {
	x, y := h[a].Owed[0].From, h[b].Owed[0].From
	return x < y || x == y && h[a].JobID < h[b].JobID
}

func (h backlog) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h *backlog) Push(x any)   { *h = append(*h, x.(*events.Backlog)) }

func (h *backlog) Pop() any {
	last := len(*h) - 1
	b := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return b
}

// takeOldest moves the oldest of what is owed to a job into the answers: one slot
// to trigger, or all slots of which the same is to be said. It does nothing and is
// false while that lies in the future, as after a step back of the clock.
func (s *spacer) takeOldest(b *events.Backlog, a *events.Answers, now time.Time) bool {
	o := b.Owed[0]
	minute := events.MinuteOf(now)
	j := s.table.job(b.JobID)
	pass := func(to events.Minute, reason string) {
		a.Passed = append(a.Passed, span{o.From, to, events.VerdictMissed, reason}.of(b.JobID, now))
	}
	switch {
	case j == nil:
		s.log.Info("the backlog of a deleted job is dropped", "job_id", b.JobID)
		b.Owed = nil
	case j.When != o.When:
		pass(o.To, edited)
		b.Owed = b.Owed[1:]
	case !j.Enabled || o.From <= j.Start:
		pass(o.To, disabledFirst)
		b.Owed = b.Owed[1:]
	case o.From > minute:
		return false
	case o.From < minute-window:
		_, last, _ := j.Within(o.From-1, min(o.To, minute-window-1))
		pass(last, beyondWindow)
		b.Owed = after(&j.Period, last, b.Owed)
	default:
		a.Fired = append(a.Fired, trigger(b.JobID, j.Seq, o.From, now))
		b.Owed = after(&j.Period, o.From, b.Owed)
	}
	return true
}

// after takes the slots up to one of the first stretch off what is owed.
func after(p *events.Period, slot events.Minute, owed []events.Stretch) []events.Stretch {
	o := &owed[0]
	next := p.Times.Next(slot.Time())
	if next.IsZero() || events.MinuteOf(next) > o.To {
		return owed[1:]
	}
	o.Slots = max(1, o.Slots-p.Count(o.From, slot))
	o.From = events.MinuteOf(next)
	return owed
}
