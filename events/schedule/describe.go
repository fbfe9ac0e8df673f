package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxClocks is how many times of day a sentence names one by one.
const maxClocks = 6

// Describe says in one English sentence when the schedule runs, for example
// "At 02:30 on Monday to Friday (Europe/Berlin)."
func (s *Schedule) Describe() string {
	if s.reboot {
		return "Once at each start of the machine that cron runs on."
	}
	return s.describeClock() + s.describeDays() + s.describeMonths() + " (" + s.loc.String() + ")."
}

func (s *Schedule) describeClock() string {
	everyMinute, everyHour := s.minute.bits == minutes.all(), s.hour.bits == hours.all()
	step, even := minutes.rhythm(s.minute)
	switch {
	case !everyHour && s.minute.count()*s.hour.count() <= maxClocks:
		var clocks []string
		for h := range s.hour.values() {
			for m := range s.minute.values() {
				clocks = append(clocks, fmt.Sprintf("%02d:%02d", h, m))
			}
		}
		return "At " + join(clocks)
	case everyMinute && everyHour:
		return "Every minute"
	case everyMinute:
		return "Every minute of " + count("hour", s.hour)
	case even && everyHour:
		return fmt.Sprintf("Every %d minutes", step)
	case even:
		return fmt.Sprintf("Every %d minutes of %s", step, count("hour", s.hour))
	case everyHour:
		return fmt.Sprintf("At %s of every hour", count("minute", s.minute))
	default:
		return fmt.Sprintf("At %s of %s", count("minute", s.minute), count("hour", s.hour))
	}
}

// describeDays is empty or begins with a space, like describeMonths.
func (s *Schedule) describeDays() string {
	everyDay, everyWeekday := s.day.bits == days.all(), s.weekday.bits == weekdays.all()
	onDays := count("day", s.day) + " of the month"
	onWeekdays := join(names(s.weekday, func(v int) string { return time.Weekday(v).String() }))
	switch {
	case everyDay && everyWeekday, s.either() && (everyDay || everyWeekday):
		if s.hour.bits == hours.all() {
			return "" // "every hour" has said it
		}
		return " every day"
	case everyWeekday:
		return " on " + onDays
	case everyDay:
		return " on " + onWeekdays
	case s.either():
		return " on " + onDays + " or on " + onWeekdays
	default:
		return " on " + onDays + " if it is " + onWeekdays
	}
}

func (s *Schedule) describeMonths() string {
	if s.month.bits == months.all() {
		return ""
	}
	return " in " + join(names(s.month, func(v int) string { return time.Month(v).String() }))
}

// count names the values of a field after its noun: "hours 1, 2 and 9 to 17".
func count(noun string, f field) string {
	if f.count() > 1 {
		noun += "s"
	}
	return noun + " " + join(names(f, strconv.Itoa))
}

// names spells the values of a field; three or more in a row become "a to b".
func names(f field, name func(int) string) []string {
	var items []string
	run := 0
	for v := range f.values() {
		run++
		if f.has(v + 1) {
			continue
		}
		if run >= 3 {
			items = append(items, name(v-run+1)+" to "+name(v))
		} else {
			for i := v - run + 1; i <= v; i++ {
				items = append(items, name(i))
			}
		}
		run = 0
	}
	return items
}

// join writes "a", "a and b", "a, b and c".
func join(items []string) string {
	last := len(items) - 1
	if last < 1 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:last], ", ") + " and " + items[last]
}
