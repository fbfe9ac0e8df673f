package cron

import (
	"time"

	"spool.internal/events"
)

// bySlot is the order in which backlogs are drained: by slot, then by job. None of them
// is empty.
func bySlot(a, b *events.Backlog) bool {
	x, y := a.Owed[0].From, b.Owed[0].From
	return x < y || x == y && a.JobID < b.JobID
}

// takeOldest moves the oldest of what a job is owed into the answers: one slot to
// trigger, or all slots that get the same verdict. It does nothing and returns false
// while that lies in the future, as after a step back of the clock.
func (d *drainer) takeOldest(b *events.Backlog, a *events.Answers, now time.Time) bool {
	o := b.Owed[0]
	minute := events.MinuteOf(now)
	j := d.index.job(b.JobID)
	pass := func(to events.Minute, reason string) {
		v := span{o.From, to, events.VerdictMissed, reason}.of(b.JobID, now)
		v.Down = o.Down
		a.Passed = append(a.Passed, v)
	}
	switch {
	case j == nil:
		d.log.Info("the backlog of a deleted job is dropped", "job_id", b.JobID)
		b.Owed = nil
	case j.When != o.When:
		pass(o.To, events.WhyEdited)
		b.Owed = b.Owed[1:]
	case !j.Enabled || o.From <= j.Start:
		pass(o.To, events.WhyDisabledFirst)
		b.Owed = b.Owed[1:]
	case o.From > minute:
		return false
	case o.From < minute-window:
		_, last, _ := j.Within(o.From-1, min(o.To, minute-window-1))
		pass(last, events.WhyTooOld)
		b.Owed = after(&j.Period, last, b.Owed)
	default:
		t := trigger(b.JobID, j.Seq, o.From, now)
		t.Down = o.Down
		a.Fired = append(a.Fired, t)
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
