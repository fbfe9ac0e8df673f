package schedule

import "time"

// Schedule is a cron expression in a time zone.
type Schedule struct {
	minute, hour, day, month, weekday field

	loc    *time.Location
	reboot bool // the rest means nothing
}

// Location is the zone that the expression is read in.
func (s *Schedule) Location() *time.Location { return s.loc }

// String is the canonical text: five fields, numbers, the shortest lists. Parsing
// it in the same zone gives an equal schedule.
func (s *Schedule) String() string {
	if s.reboot {
		return Reboot
	}
	return minutes.text(s.minute) + " " + hours.text(s.hour) + " " + days.text(s.day) + " " +
		months.text(s.month) + " " + weekdays.text(s.weekday)
}

// Equal reports whether both have the same canonical text and zone name.
func (s *Schedule) Equal(other *Schedule) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.minute == other.minute && s.hour == other.hour && s.day == other.day &&
		s.month == other.month && s.weekday == other.weekday && s.reboot == other.reboot && s.loc.String() == other.loc.String()
}

// fixed reports whether the schedule names times of day, rather than a rhythm.
func (s *Schedule) fixed() bool { return !s.minute.star && !s.hour.star }

// either reports whether a day may match day of month or day of week, instead of
// having to match both.
func (s *Schedule) either() bool { return !s.day.star && !s.weekday.star }
