package schedule

import "time"

// Next is the first slot after the given time, in UTC; the zero time when the
// search finds none. It does not allocate.
func (s *Schedule) Next(after time.Time) time.Time {
	q := search{Schedule: s}
	slot, ok := q.next(int64(MinuteOf(after)))
	if !ok {
		return time.Time{}
	}
	return Minute(slot).Time()
}

// Prev is the newest slot that is after the one time and not after the other. Its
// cost grows with the logarithm of the distance, not with the number of slots.
func (s *Schedule) Prev(atOrBefore, after time.Time) (time.Time, bool) {
	if s.reboot {
		return time.Time{}, false
	}
	last, low := int64(MinuteOf(atOrBefore)), int64(MinuteOf(after))
	// Next never falls when its argument grows, so the newest slot can be bisected:
	// look back twice as far each time until there is a slot, then close in on it.
	slot, found := int64(0), false
	high := last // no slot in (high, last]
	for back := int64(1); !found && high > low; back *= 2 {
		from := max(low, last-back)
		if slot, found = s.nextUntil(from, last); !found {
			high = from
		}
	}
	if !found {
		return time.Time{}, false
	}
	for slot < high {
		middle := slot + (high-slot)/2
		if later, ok := s.nextUntil(middle, last); ok {
			slot = later
		} else {
			high = middle
		}
	}
	return Minute(slot).Time(), true
}

// nextUntil is the first slot in (after, last].
func (s *Schedule) nextUntil(after, last int64) (slot int64, ok bool) {
	q := search{Schedule: s}
	slot, ok = q.next(after)
	return slot, ok && slot <= last
}

// next finds the first slot after a UTC minute. It walks the spans of the zone: in
// each it looks for a wall minute, and at the end of each it applies the rule for a
// change of clocks.
func (q *search) next(after int64) (slot int64, ok bool) {
	if q.reboot || after >= maxMinute {
		return 0, false
	}
	from := max(after, minMinute) + 1
	// A fold that began up to maxShift ago may still be going on.
	here := q.span(from - maxShift)
	for !q.spent() {
		wall, ok := q.match(from + here.offset)
		if !ok {
			return 0, false
		}
		if utc := wall - here.offset; utc < here.end {
			return utc, utc <= maxMinute
		}
		if near := wall - here.offset - wideMargin; near > here.end && from+wideMargin <= here.end {
			// No wall clock can read a slot until shortly before this one, whatever
			// the zone does meanwhile.
			from, here = near, q.span(near)
			continue
		}
		next := q.span(here.end)
		switch shift := q.shift(here, next); {
		case shift > 0 && from <= here.end && wall-here.offset < here.end+shift:
			return here.end, true
		case shift < 0:
			from = max(from, here.end-shift)
		default:
			from = max(from, here.end)
		}
		here = next
	}
	return 0, false
}
