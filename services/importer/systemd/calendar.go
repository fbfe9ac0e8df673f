package systemd

import (
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"spool.internal/events/schedule"
)

var shorthands = map[string]string{
	"minutely": "*-*-* *:*:00", "hourly": "*-*-* *:00:00", "daily": "*-*-* 00:00:00", "monthly": "*-*-01 00:00:00",
	"weekly": "mon *-*-* 00:00:00", "yearly": "*-01-01 00:00:00", "annually": "*-01-01 00:00:00",
	"quarterly": "*-01,04,07,10-01 00:00:00", "semiannually": "*-01,07-01 00:00:00",
	"anually": "*-01-01 00:00:00", "semi-annually": "*-01,07-01 00:00:00", "bi-annually": "*-01,07-01 00:00:00", "biannually": "*-01,07-01 00:00:00",
}

var (
	datePart = regexp.MustCompile(`^[0-9*.,/~-]+$`)
	timePart = regexp.MustCompile(`^[0-9*.,/]+:[0-9*.,/]+(:[0-9*.,/]+)?$`)
)

// Calendar gives the cron expression that has the times of a calendar expression of
// systemd, and its zone where it names one. An error says why there is none.
func Calendar(text string) (expr, zone string, err error) {
	words := strings.Fields(text)
	if n := len(words); n > 1 {
		if _, err := schedule.LoadLocation(words[n-1]); err == nil {
			zone, words = words[n-1], words[:n-1]
		}
	}
	if len(words) == 1 {
		if long, ok := shorthands[strings.ToLower(words[0])]; ok {
			words = strings.Fields(long)
		}
	}
	c := calendar{day: set{star: true, bits: span(1, 31, 1)}, month: set{star: true, bits: span(1, 12, 1)}, weekday: set{star: true, bits: span(0, 6, 1)}}
	c.hour, c.minute = set{bits: 1}, set{bits: 1}
	if len(words) > 0 && !datePart.MatchString(words[0]) && !timePart.MatchString(words[0]) {
		if c.weekday, err = weekdays(words[0]); err != nil {
			return "", "", err
		}
		words = words[1:]
	} else if len(words) == 0 {
		return "", "", fmt.Errorf("is empty")
	}
	if len(words) > 0 && !timePart.MatchString(words[0]) && datePart.MatchString(words[0]) {
		if err := c.date(words[0]); err != nil {
			return "", "", err
		}
		words = words[1:]
	}
	if len(words) > 0 && timePart.MatchString(words[0]) {
		if err := c.time(words[0]); err != nil {
			return "", "", err
		}
		words = words[1:]
	}
	if len(words) > 0 {
		return "", "", fmt.Errorf("%q is not understood", words[0])
	}
	expr, err = c.expression()
	return expr, zone, err
}

// set is the values of one component.
type set struct {
	bits uint64
	star bool // all of them, or every n-th from the first
	step int  // with star: 1 or more
}

func span(lo, hi, step int) (bits uint64) {
	for v := lo; v <= hi; v += step {
		bits |= 1 << v
	}
	return bits
}

type calendar struct{ minute, hour, day, month, weekday set }

func (c *calendar) date(text string) error {
	if strings.Contains(text, "~") {
		return fmt.Errorf("counts with ~ from the end of the month, which cron fields cannot: use 28-31 with a command that looks at the date")
	}
	parts := strings.Split(text, "-")
	if len(parts) == 2 {
		parts = append([]string{"*"}, parts...)
	}
	if len(parts) != 3 {
		return fmt.Errorf("%q is not a date like *-*-01", text)
	}
	if parts[0] != "*" {
		return fmt.Errorf("names the year %s, and a schedule of Spool has none", parts[0])
	}
	var err error
	if c.month, err = values(parts[1], "month", 1, 12); err != nil {
		return err
	}
	c.day, err = values(parts[2], "day", 1, 31)
	return err
}

func (c *calendar) time(text string) error {
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		if seconds := strings.TrimLeft(parts[2], "0"); seconds != "" && strings.Trim(seconds, ".0") != "" {
			return fmt.Errorf("names seconds (%s), and Spool's slots are whole minutes", parts[2])
		}
	}
	var err error
	if c.hour, err = values(parts[0], "hour", 0, 23); err != nil {
		return err
	}
	c.minute, err = values(parts[1], "minute", 0, 59)
	return err
}

// values reads one component: a list of values, ranges with .. and steps.
func values(text, name string, low, high int) (set, error) {
	var s set
	for item := range strings.SplitSeq(text, ",") {
		from, step, stepped := strings.Cut(item, "/")
		first, last, ranged := strings.Cut(from, "..")
		lo, hi, err := low, high, error(nil)
		if first != "*" {
			if lo, err = number(first, name, low, high); err != nil {
				return s, err
			}
			if hi = lo; stepped {
				hi = high
			}
			if ranged {
				if hi, err = number(last, name, lo, high); err != nil {
					return s, err
				}
			}
		} else if ranged {
			return s, fmt.Errorf("%s %q is not understood", name, item)
		}
		by := 1
		if stepped {
			if by, err = number(step, "step of "+name, 1, 10_000); err != nil {
				return s, err
			}
		}
		s.bits |= span(lo, hi, by)
		if lo == low && hi == high && by <= high && !ranged && item == text {
			s.star, s.step = true, by
		}
	}
	return s, nil
}

func number(text, name string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high || strings.HasPrefix(text, "+") {
		return 0, fmt.Errorf("%s %q is not a number from %d to %d", name, text, low, high)
	}
	return n, nil
}

var days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var longDays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// weekdays reads Mon..Fri, Sat,Sun, and the older Mon-Fri.
func weekdays(text string) (set, error) {
	var s set
	for item := range strings.SplitSeq(strings.ToLower(strings.TrimSuffix(text, ",")), ",") {
		first, last, ranged := strings.Cut(item, "..")
		if !ranged {
			first, last, ranged = strings.Cut(item, "-")
		}
		lo := dayOf(first)
		hi := lo
		if ranged {
			hi = dayOf(last)
		}
		if lo < 0 || hi < 0 {
			return s, fmt.Errorf("%q is neither a day of the week nor a date or a time", text)
		}
		for d := lo; ; d = (d + 1) % 7 {
			s.bits |= 1 << d
			if d == hi {
				break
			}
		}
	}
	if s.bits == span(0, 6, 1) {
		s.star, s.step = true, 1
	}
	return s, nil
}

func dayOf(text string) int {
	if i := slices.Index(days, text); i >= 0 {
		return i
	}
	return slices.Index(longDays, text)
}

// expression spells the calendar in cron fields. A day has to match both of its parts
// here, as cron has it where one of them begins with a star.
func (c *calendar) expression() (string, error) {
	day, weekday := c.day.text(1, 31), c.weekday.text(0, 6)
	if !strings.HasPrefix(day, "*") && !strings.HasPrefix(weekday, "*") {
		switch {
		case c.day.bits>>1&1 == 1:
			day = "*/31" + after(c.day.bits&^2)
		case c.weekday.bits&1 == 1:
			weekday = "*/7" + after(c.weekday.bits&^1)
		default:
			return "", fmt.Errorf("wants a day that is both of the month and of the week, which cron fields can say only with the first of the month or with Sunday among them: " +
				"name the days of the week, with a command that looks at the date")
		}
	}
	expr := strings.Join([]string{c.minute.text(0, 59), c.hour.text(0, 23), day, c.month.text(1, 12), weekday}, " ")
	if _, err := schedule.Parse(expr, nil); err != nil {
		return "", fmt.Errorf("gives %q: %w", expr, err)
	}
	return expr, nil
}

func after(bits uint64) string {
	if bits == 0 {
		return ""
	}
	return "," + list(bits)
}

// text is the field of a component.
func (s set) text(low, high int) string {
	switch {
	case s.bits == span(low, high, 1):
		return "*"
	case s.star && s.step > 1:
		return "*/" + strconv.Itoa(s.step)
	}
	return list(s.bits)
}

// list writes 1-5,8.
func list(set uint64) string {
	var items []string
	for set != 0 {
		lo := bits.TrailingZeros64(set)
		hi := lo
		for set>>(hi+1)&1 == 1 {
			hi++
		}
		set &^= span(lo, hi, 1)
		switch hi - lo {
		case 0:
			items = append(items, strconv.Itoa(lo))
		case 1:
			items = append(items, strconv.Itoa(lo), strconv.Itoa(hi))
		default:
			items = append(items, fmt.Sprintf("%d-%d", lo, hi))
		}
	}
	return strings.Join(items, ",")
}
