package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// maxLength bounds what a stranger can make Parse look at.
const maxLength = 1024

const fiveFields = "use five fields (minute, hour, day of month, month, day of week)"

var macros = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// Parse reads expr in loc; nil means UTC. time.Local is refused, because a
// schedule must mean the same on every host. A fault is an [*Error].
func Parse(expr string, loc *time.Location) (*Schedule, error) {
	if loc == nil {
		loc = time.UTC
	}
	if loc == time.Local {
		return nil, zoneFault("Local", "depends on the host")
	}
	texts, err := split(expr)
	if err != nil {
		return nil, err
	}
	s := &Schedule{loc: loc}
	for i, part := range []struct {
		kind *kind
		into *field
	}{
		{&minutes, &s.minute},
		{&hours, &s.hour},
		{&days, &s.day},
		{&months, &s.month},
		{&weekdays, &s.weekday},
	} {
		if *part.into, err = part.kind.parse(texts[i]); err != nil {
			return nil, err
		}
	}
	if err := s.possible(); err != nil {
		return nil, err
	}
	return s, nil
}

// split checks the expression as a whole and gives the text of its five fields.
func split(expr string) ([]string, error) {
	if len(expr) > maxLength {
		return nil, fault(fmt.Sprintf("the expression has %d bytes", len(expr)), fmt.Sprintf("use at most %d", maxLength))
	}
	expr = strings.Trim(expr, " \t\r\n")
	if inner, ok := unquoted(expr); ok {
		return nil, fault("the expression is in quotes", "write "+inner+" without them")
	}
	if strings.ContainsAny(expr, "\r\n") {
		return nil, fault("the expression has more than one line", "make a job for each")
	}
	for _, c := range expr {
		if c != '\t' && (c < ' ' || c > '~') {
			return nil, fault(fmt.Sprintf("character %q is not allowed", c), "use ASCII letters, digits, spaces and , - * / ?")
		}
	}
	if name, _, ok := strings.Cut(expr, "="); ok && (strings.EqualFold(name, "TZ") || strings.EqualFold(name, "CRON_TZ")) {
		return nil, fault("a TZ= prefix is not supported", "set the time zone of the job")
	}
	if strings.HasPrefix(expr, "@") {
		return macro(expr)
	}
	texts := strings.Fields(expr)
	if len(texts) == 0 {
		return nil, fault("the expression is empty", fiveFields+" or a macro such as @daily")
	}
	if err := foreign(expr, texts); err != nil {
		return nil, err
	}
	if len(texts) != 5 {
		return nil, fault(fmt.Sprintf("the number of fields is %d", len(texts)), fiveFields)
	}
	return texts, nil
}

func macro(expr string) ([]string, error) {
	expr = strings.ToLower(expr)
	if text, ok := macros[expr]; ok {
		return strings.Fields(text), nil
	}
	name, _, more := strings.Cut(expr, " ")
	if _, ok := macros[name]; ok && more {
		return nil, fault("something follows the macro "+name, "write "+name+" alone; the job's flow is the command")
	}
	switch name {
	case "@every":
		return nil, fault("@every is not supported", `use a step such as "*/5 * * * *"`)
	case "@reboot":
		return nil, fault("@reboot is not supported", "a schedule runs at times of day only")
	default:
		return nil, fault(fmt.Sprintf("macro %q is unknown", name), "use @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually alone")
	}
}

// possible refuses a schedule without a single date. Only a restricted day of
// month can be at fault: a field that begins with a star holds day 1, and in 400
// years every date falls on every weekday.
func (s *Schedule) possible() error {
	first := bits.TrailingZeros64(s.day.bits)
	if s.either() || first <= s.longestMonth() {
		return nil
	}
	return &Error{
		Field:   days.name,
		Problem: fmt.Sprintf("%s %d never occurs in %s", days.name, first, count("month", s.month)),
	}
}

// longestMonth is the highest day that some month of the schedule can have.
func (s *Schedule) longestMonth() int {
	longest := 0
	for month := range s.month.values() {
		longest = max(longest, monthLength(leapYear, time.Month(month)))
	}
	return longest
}
