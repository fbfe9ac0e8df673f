package schedule

import (
	"math/bits"
	"time"
)

// A wall minute is a reading of a wall clock with its zone left out: minutes since
// 1970-01-01 00:00 on that clock. This file finds wall minutes; it knows no zones.
const (
	hour = 60
	day  = 24 * hour

	// maxSteps bounds a search; see the package comment.
	maxSteps = 256

	leapYear = 2000
)

// search looks for slots and counts what it costs.
type search struct {
	*Schedule
	steps int
}

// spent counts one step and reports whether there are none left.
func (q *search) spent() bool {
	q.steps++
	return q.steps > maxSteps
}

// match finds the first wall minute of the schedule that is not before from.
func (q *search) match(from int64) (wall int64, ok bool) {
	today := floorDiv(from, day)
	year, month, d := Minute(today * day).Time().Date()
	first := today - int64(d-1)
	if set := q.monthDays(year, month, first) >> d << d; set != 0 {
		if set>>d&1 == 1 {
			if clock, ok := q.clock(int(from - today*day)); ok {
				return today*day + int64(clock), true
			}
			set &^= 1 << d
		}
		if set != 0 {
			return q.opening(first, set), true
		}
	}
	for !q.spent() {
		year, month = q.nextMonth(year, month)
		first = time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Unix() / (day * 60)
		if set := q.monthDays(year, month, first); set != 0 {
			return q.opening(first, set), true
		}
	}
	return 0, false
}

// opening is the first wall minute of the first day in set; first is day 1 of its
// month.
func (q *search) opening(first int64, set uint64) int64 {
	clock, _ := q.clock(0)
	return (first+int64(bits.TrailingZeros64(set))-1)*day + int64(clock)
}

// clock finds the first minute of a day that the schedule names, not before from.
func (s *Schedule) clock(from int) (minute int, ok bool) {
	h := from / hour
	if s.hour.has(h) {
		if rest := s.minute.bits >> (from % hour); rest != 0 {
			return from + bits.TrailingZeros64(rest), true
		}
	}
	later := s.hour.bits >> (h + 1) << (h + 1)
	if later == 0 {
		return 0, false
	}
	return bits.TrailingZeros64(later)*hour + bits.TrailingZeros64(s.minute.bits), true
}

// nextMonth is the next month that the schedule names.
func (s *Schedule) nextMonth(year int, month time.Month) (int, time.Month) {
	later := s.month.bits >> (month + 1) << (month + 1)
	if later == 0 {
		year, later = year+1, s.month.bits
	}
	return year, time.Month(bits.TrailingZeros64(later))
}

// monthDays is the set of days of a month that the schedule names; first is the
// number of its day 1, counted from 1970-01-01.
func (s *Schedule) monthDays(year int, month time.Month, first int64) uint64 {
	if !s.month.has(int(month)) {
		return 0
	}
	// Turn the week so that bit 0 is the weekday of day 1, then lay five of them
	// end to end over the month.
	const (
		epochWeekday = int64(time.Thursday)
		week         = 1<<7 - 1
		fiveWeeks    = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28
	)
	turn := first + epochWeekday - 7*floorDiv(first+epochWeekday, 7)
	turned := (s.weekday.bits>>turn | s.weekday.bits<<(7-turn)) & week
	set := turned * fiveWeeks << 1
	if s.either() {
		set |= s.day.bits
	} else {
		set &= s.day.bits
	}
	return set & (1<<(monthLength(year, month)+1) - 1)
}

func monthLength(year int, month time.Month) int {
	switch month {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	default:
		return 31
	}
}

// floorDiv is a/b rounded down, also for negative a.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
