package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"spool.internal/events"
	"spool.internal/events/why"
)

// funcs are what templates may call beside methods.
var funcs = template.FuncMap{
	"at":      func(t, zone any) stamp { return stampOf(t, zone, "Mon 2 Jan", "15:04 MST") },
	"second":  func(t, zone any) stamp { return stampOf(t, zone, "Mon 2 Jan", "15:04:05 MST") },
	"clock":   func(t, zone any) stamp { return stampOf(t, zone, "", "15:04:05") },
	"hourly":  func(t, zone any) stamp { return stampOf(t, zone, "", "15:04 MST") },
	"rel":     func(t any) relative { return relativeTo(timeOf(t), time.Now()) },
	"took":    took,
	"number":  why.Number,
	"plural":  why.Count,
	"word":    word,
	"text":    text,
	"spark":   sparkOf,
	"shownAt": shownAt,
	"why":     whyIt,
	"size":    size,
	"visible": visible,
}

// stamp is a time as a page shows it.
type stamp struct{ ISO, Text string }

func stampOf(t, zone any, day, clock string) stamp {
	when := timeOf(t)
	if when.IsZero() {
		return stamp{}
	}
	when = when.In(zoneOf(zone))
	if day != "" && when.Year() != time.Now().In(when.Location()).Year() {
		day += " 2006"
	}
	return stamp{when.Format(time.RFC3339Nano), strings.TrimSpace(when.Format(day + " " + clock))}
}

func timeOf(t any) time.Time {
	switch t := t.(type) {
	case time.Time:
		return t
	case *time.Time:
		if t != nil {
			return *t
		}
	case events.Minute:
		return t.Time()
	}
	return time.Time{}
}

func zoneOf(zone any) *time.Location {
	switch z := zone.(type) {
	case *time.Location:
		if z != nil {
			return z
		}
	case string:
		if l, err := time.LoadLocation(z); err == nil {
			return l
		}
	}
	return time.UTC
}

// relative is a time as seen from now.
type relative struct{ ISO, Text string }

func relativeTo(t, now time.Time) relative {
	if t.IsZero() {
		return relative{}
	}
	text := lasting(now.Sub(t)) + " ago"
	if t.After(now) {
		text = "in " + lasting(t.Sub(now))
	}
	return relative{t.UTC().Format(time.RFC3339Nano), text}
}

// lasting says how long something lasts that goes on, as modules/clock.js does, which keeps
// it right: nothing is rounded up that is not over yet.
func lasting(d time.Duration) string {
	of := func(n time.Duration, unit string, rest time.Duration, small string) string {
		if rest == 0 {
			return fmt.Sprintf("%d %s", n, unit)
		}
		return fmt.Sprintf("%d %s %d %s", n, unit, rest, small)
	}
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return of(d/day, "d", d%day/time.Hour, "h")
	case d >= time.Hour:
		return of(d/time.Hour, "h", d%time.Hour/time.Minute, "min")
	case d >= time.Minute:
		return of(d/time.Minute, "min", 0, "")
	default:
		return of(d/time.Second, "s", 0, "")
	}
}

// took says how long something took, in the words of sentences; empty = not known.
func took(d any) string {
	switch d := d.(type) {
	case time.Duration:
		return why.Length(d)
	case int64:
		return why.Length(time.Duration(d) * time.Millisecond)
	case *int64:
		if d != nil {
			return why.Length(time.Duration(*d) * time.Millisecond)
		}
	}
	return ""
}

// size says how much something is, as our modules do: 2.1 GB; empty = not known.
func size(n any) string {
	var bytes float64
	switch n := n.(type) {
	case int64:
		bytes = float64(n)
	case *int64:
		if n == nil {
			return ""
		}
		bytes = float64(*n)
	default:
		return ""
	}
	if bytes < 1000 {
		return why.Count(int(bytes), "byte")
	}
	unit := -1
	for ; bytes >= 1000 && unit < 2; unit++ {
		bytes /= 1000
	}
	digits := 0
	if bytes < 10 {
		digits = 1
	}
	return strconv.FormatFloat(bytes, 'f', digits, 64) + []string{" kB", " MB", " GB"}[unit]
}
