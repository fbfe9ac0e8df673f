package schedule

import (
	"fmt"
	"iter"
	"time"
)

// Change is a change of clocks that shows in the runs of a schedule.
type Change struct {
	// From and To are the first and the last UTC minute that it concerns: both are
	// the first minute after a gap; for a fold, they are the second pass.
	From, To time.Time
	// Mark is [Gap] when wall minutes of the schedule were left out and [Fold] when
	// they came twice and run the first time only. It is empty when they run twice.
	Mark Mark
	Text string // what changes, and what becomes of what is due

	Shift time.Duration // by how much clocks are set forward; negative: back
	Wall  time.Time     // the first wall minute of the schedule in between, as if it were UTC
}

// Changes yields the changes of clocks in (from, to] between whose two readings
// wall minutes of the schedule lie, oldest first. Those that cannot be told from
// the runs, as of what runs every hour, are left out.
func (s *Schedule) Changes(from, to time.Time) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		start, last := max(int64(MinuteOf(from)), minMinute), min(int64(MinuteOf(to)), maxMinute)
		if start > last || s.reboot {
			return
		}
		before := s.span(start)
		for before.end <= last {
			after := s.span(before.end)
			if c, ok := s.change(before, after); ok && !yield(c) {
				return
			}
			before = after
		}
	}
}

// change says what the change between two spans does to the runs; ok is false
// when it does nothing.
func (s *Schedule) change(before, after span) (c Change, ok bool) {
	old, now := before.end+before.offset, before.end+after.offset
	q := search{Schedule: s}
	wall, ok := q.match(min(old, now))
	if !ok || wall >= max(old, now) || !s.disturbed(now-old) {
		return Change{}, false
	}
	c = Change{
		From: Minute(before.end).Time(), To: Minute(before.end).Time(),
		Shift: time.Duration(now-old) * time.Minute, Wall: Minute(wall).Time(),
	}
	forward, ruled := now > old, s.shift(before, after) != 0
	direction, effect := "back", "runs twice"
	switch {
	case forward && ruled:
		c.Mark, direction, effect = Gap, "forward", "runs once, at the end"
	case forward:
		c.Mark, direction, effect = Gap, "forward", "does not run"
	case ruled:
		c.Mark, effect = Fold, "runs the first time only"
	}
	if !forward {
		c.To = Minute(before.end + old - now - 1).Time()
	}
	layout := "15:04"
	if floorDiv(old, day) != floorDiv(now, day) {
		layout = "2006-01-02 15:04"
	}
	c.Text = fmt.Sprintf("clocks in %s go %s from %s to %s: what is due in between %s",
		s.loc, direction, Minute(old).Time().Format("2006-01-02 15:04"), Minute(now).Time().Format(layout), effect)
	return c, true
}

// Names reports whether the schedule names a wall minute, which is given as if it were
// UTC; whether a clock ever shows it is another question.
func (s *Schedule) Names(wall time.Time) bool {
	q := search{Schedule: s}
	minute, ok := q.match(int64(MinuteOf(wall)))
	return ok && Minute(minute) == MinuteOf(wall)
}

// disturbed reports whether a change of clocks by that many minutes shows in the
// runs. Whole hours do not show in what runs the same way in every hour.
func (s *Schedule) disturbed(change int64) bool {
	rhythm := !s.fixed() && s.hour.bits == hours.all()
	return !rhythm || change%hour != 0 || change > maxShift || change < -maxShift
}
