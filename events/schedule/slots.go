package schedule

import (
	"iter"
	"time"
)

// Mark says what a change of clocks did to a slot. It is empty for most slots, and
// for all slots of a schedule that is not fixed.
type Mark string

const (
	// Gap marks a run at the first minute after a gap that stands for one or more
	// wall minutes inside the gap, also when that minute is a slot of its own.
	Gap Mark = "dst_gap"
	// Fold marks a run whose wall minute comes a second time, when there is no run.
	Fold Mark = "dst_fold"
)

// Slot is one minute at which a schedule runs.
type Slot struct {
	Time time.Time // UTC, whole minutes
	Mark Mark
}

// Slots yields the slots after from up to and including to, oldest first.
func (s *Schedule) Slots(from, to time.Time) iter.Seq[Slot] {
	return func(yield func(Slot) bool) {
		after, last := int64(MinuteOf(from)), int64(MinuteOf(to))
		for {
			slot, ok := s.nextUntil(after, last)
			if !ok || !yield(Slot{Time: Minute(slot).Time(), Mark: s.mark(slot)}) {
				return
			}
			after = slot
		}
	}
}

// mark looks at the changes of clocks around a slot.
func (s *Schedule) mark(slot int64) Mark {
	if !s.fixed() {
		return ""
	}
	before, here := s.span(slot-1), s.span(slot)
	if shift := s.shift(before, here); shift > 0 {
		q := search{Schedule: s}
		if wall, ok := q.match(slot + before.offset); ok && wall < slot+here.offset {
			return Gap
		}
	}
	if here.end-slot <= maxShift {
		if shift := s.shift(here, s.span(here.end)); slot >= here.end+shift {
			return Fold
		}
	}
	return ""
}
