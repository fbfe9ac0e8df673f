package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// horizon is how far ahead warnings look for changes of clocks: far enough that a
// zone with daylight saving time shows both of a year.
const horizon = 366 * day * time.Minute

// Warnings says what about the schedule may surprise its author: fields that do not
// mean what they seem to, months without a run, and each change of clocks in the
// year after from that moves, drops or doubles a run. Empty when there is nothing.
func (s *Schedule) Warnings(from time.Time) []string { return texts(s.WarningDetails(from)) }

func texts(warnings []Warning) (texts []string) {
	for _, w := range warnings {
		texts = append(texts, w.Text)
	}
	return texts
}

// Warning is one of [Schedule.Warnings].
type Warning struct {
	Code WarningCode `json:"code"`
	Text string      `json:"text"`
	At   time.Time   `json:"at,omitzero"` // when it happens, where that is one time
}

// WarningCode says what a warning is about.
type WarningCode string

// What warnings are about.
const (
	WarnZone   WarningCode = "zone"         // a name that looks like a place's time and is not
	WarnMinute WarningCode = "every_minute" // 60 runs in an hour that is named
	WarnUneven WarningCode = "uneven"       // a step that starts again before it is over
	WarnDays   WarningCode = "days"         // both fields of days are set
	WarnNever  WarningCode = "never"        // a day that some months do not have
	WarnLeap   WarningCode = "leap_day"     // a day of leap years
	WarnGap    WarningCode = "dst_gap"      // clocks go forward over a run
	WarnFold   WarningCode = "dst_fold"     // clocks go back over a run, which comes once
	WarnTwice  WarningCode = "dst_twice"    // the same, and it comes twice
	WarnNone   WarningCode = "no_run"
)

// WarningDetails are the same as [Schedule.Warnings], for programs.
func (s *Schedule) WarningDetails(from time.Time) []Warning {
	if s.reboot {
		return nil
	}
	warnings := s.zoneWarnings(from)
	warnings = append(warnings, s.fieldWarnings()...)
	warnings = append(warnings, s.dayWarnings()...)
	for c := range s.Changes(from, from.Add(horizon)) {
		code := WarnTwice
		if c.Mark != "" {
			code = WarningCode(c.Mark)
		}
		warnings = append(warnings, Warning{code, c.Text, c.From})
	}
	if s.Next(from).IsZero() {
		warnings = append(warnings, Warning{Code: WarnNone, Text: "no run was found after " + from.UTC().Format(time.DateOnly)})
	}
	return warnings
}

// zoneWarnings speaks of names that look like a place's time and are not.
func (s *Schedule) zoneWarnings(from time.Time) []Warning {
	name := s.loc.String()
	offset := from.In(s.loc).Format("-07:00")
	if strings.HasPrefix(name, "Etc/GMT+") || strings.HasPrefix(name, "Etc/GMT-") {
		return []Warning{{Code: WarnZone, Text: fmt.Sprintf("time zone %s stands at %s all year: the sign in its name is turned round", name, offset)}}
	}
	switch name {
	case "Factory":
		return []Warning{{Code: WarnZone, Text: "time zone Factory is the placeholder of a system that nobody has set up: name a zone such as Europe/Berlin"}}
	case "EST", "MST", "HST":
		return []Warning{{Code: WarnZone, Text: fmt.Sprintf("time zone %s stands at %s all year, without summer time: a city such as %s has its own rules",
			name, offset, fixedZones[name])}}
	}
	return nil
}

func (s *Schedule) fieldWarnings() []Warning {
	var warnings []Warning
	if minutes.text(s.minute) == "*" && s.hour.bits != hours.all() {
		warnings = append(warnings, Warning{Code: WarnMinute, Text: "minute is *, so it runs 60 times in each hour: use 0 for once"})
	}
	for _, cycle := range []struct {
		kind *kind
		f    field
		name string
	}{
		{&minutes, s.minute, "hour"},
		{&hours, s.hour, "day"},
		{&days, s.day, "month"},
		{&months, s.month, "year"},
		{&weekdays, s.weekday, "week"},
	} {
		if step, even := cycle.kind.rhythm(cycle.f); step > 0 && !even {
			warnings = append(warnings, Warning{Code: WarnUneven, Text: fmt.Sprintf("%s */%d starts again every %s: the last interval is shorter",
				cycle.kind.name, step, cycle.name)})
		}
	}
	return warnings
}

// rhythm gives the step of a field that is "*/step" and nothing else, or 0, and
// whether the step divides the field, so that all intervals are equal. (31 is prime,
// so no step of days is even, as it should be.)
func (k *kind) rhythm(f field) (step int, even bool) {
	if !f.star {
		return 0, false
	}
	step, rest := k.step(f)
	if step == 1 || rest != 0 {
		return 0, false
	}
	return step, (k.max-k.min+1)%step == 0
}

func (s *Schedule) dayWarnings() []Warning {
	var warnings []Warning
	restricted := s.day.bits != days.all() && s.weekday.bits != weekdays.all()
	switch {
	case s.either():
		warnings = append(warnings, Warning{Code: WarnDays, Text: "day of month and day of week are both set: it runs on days that match either"})
	case restricted:
		warnings = append(warnings, Warning{Code: WarnDays, Text: "a day field begins with *: it runs on days that match both day of month and day of week"})
	}
	first := bits.TrailingZeros64(s.day.bits)
	var never, leap field
	for month := range s.month.values() {
		switch {
		case first > monthLength(leapYear, time.Month(month)):
			never.bits |= 1 << month
		case first > monthLength(leapYear+1, time.Month(month)):
			leap.bits |= 1 << month
		}
	}
	if never.bits != 0 {
		warnings = append(warnings, Warning{Code: WarnNever, Text: fmt.Sprintf("day of month %d never occurs in %s", first, count("month", never))})
	}
	if leap.bits != 0 {
		warnings = append(warnings, Warning{Code: WarnLeap, Text: fmt.Sprintf("day of month %d occurs in %s in leap years only", first, count("month", leap))})
	}
	return warnings
}
