package spelling

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// durations are the units of a duration. A day has 24 hours, whatever the clocks do.
var durations = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ms": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day,
	"w": 7 * day, "week": 7 * day, "weeks": 7 * day,
}

const day = 24 * time.Hour

// Of these nobody knows how long they are.
var vague = map[string]string{
	"M": "m is minutes; for months write days, like 30d", "mo": "for months write days, like 30d", "month": "for months write days, like 30d",
	"months": "for months write days, like 30d", "y": "for years write days, like 365d", "year": "for years write days, like 365d", "years": "for years write days, like 365d",
}

// DurationForm says how a duration is written.
const DurationForm = "90s, 15m, 1h30m, 7d or 2w"

// Duration reads a duration as people write it: 90s, 1h30m, 1.5h, 7d, 2w, 10 min.
func Duration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	rest, negative := strings.CutPrefix(rest, "-")
	if !negative {
		rest = strings.TrimPrefix(rest, "+")
	}
	if rest == "0" {
		return 0, nil
	}
	var sum time.Duration
	for more := true; more; more = rest != "" {
		number, tail := split(rest)
		unit := tail
		if end := strings.IndexAny(tail, "0123456789. "); end >= 0 {
			unit = tail[:end]
		}
		rest = strings.TrimSpace(tail[len(unit):])
		part, err := stretch(number, unit)
		if err == nil && part > math.MaxInt64-sum {
			err = errLong
		}
		if err != nil {
			return 0, fmt.Errorf("%q %w", text, err)
		}
		sum += part
	}
	if negative {
		sum = -sum
	}
	return sum, nil
}

var errLong = errors.New("is longer than 290 years")

// stretch is a number of one unit.
func stretch(number, unit string) (time.Duration, error) {
	by, ok := durations[unit]
	if !ok {
		by, ok = durations[strings.ToLower(unit)]
		ok = ok && unit != "M"
	}
	switch {
	case ok && plain(number):
	case vague[unit] != "":
		return 0, errors.New("has no fixed length: " + vague[unit])
	case plain(number) && unit == "":
		return 0, fmt.Errorf("has no unit behind %s: write %[1]ss, %[1]sm or %[1]sh, for seconds, minutes or hours", number)
	default:
		return 0, errors.New("is not a duration: write it like " + DurationForm)
	}
	n, ok := times(number, int64(by), math.MaxInt64)
	if !ok {
		return 0, errLong
	}
	return time.Duration(n), nil
}

// FormatDuration writes a duration without the parts that are zero.
func FormatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
