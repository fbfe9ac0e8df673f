package why

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// At is where sentences are said: now, in the zone of a job.
type At struct {
	Now  time.Time
	Zone *time.Location // nil is UTC
}

func (a At) in(t time.Time) time.Time {
	if a.Zone == nil {
		return t.UTC()
	}
	return t.In(a.Zone)
}

// clock is a time of day, with its seconds where it has some that matter.
func (a At) clock(t time.Time) string { return a.in(t).Format("15:04") }

func (a At) second(t time.Time) string { return a.in(t).Format("15:04:05") }

// near names a time as people do who speak of another: the clock alone on the same
// day, with the weekday in the week around it, else with the date.
func (a At) near(t, other time.Time) string {
	t, other = a.in(t), a.in(other)
	switch days := dayOf(t) - dayOf(other); {
	case days == 0:
		return t.Format("15:04")
	case days > -7 && days < 7:
		return t.Format("Mon 15:04")
	}
	return a.dated(t)
}

// dated names a time by its date, without the clock when that is midnight.
func (a At) dated(t time.Time) string {
	t = a.in(t)
	layout := "2 Jan"
	if t.Year() != a.in(a.Now).Year() {
		layout = "2 Jan 2006"
	}
	if t.Hour() != 0 || t.Minute() != 0 {
		layout += " 15:04"
	}
	return t.Format(layout)
}

// date names a day.
func (a At) date(t time.Time) string {
	t = a.in(t)
	if t.Year() != a.in(a.Now).Year() {
		return t.Format("2 Jan 2006")
	}
	return t.Format("2 Jan")
}

// dayOf numbers the days of a zone.
func dayOf(t time.Time) int {
	year, month, day := t.Date()
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// span says how long something took or lasts.
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < 50*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 9950*time.Millisecond:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
	case d < 59500*time.Millisecond:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour-30*time.Second:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 24*time.Hour:
		d = d.Round(time.Minute)
		if minutes := int(d.Minutes()) % 60; minutes > 0 {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), minutes)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 72*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// count names a number of things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands writes a number with its thousands apart: 1,204.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ordinal writes 1st, 2nd, 3rd.
func ordinal(n int) string {
	ending := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			ending = "st"
		case 2:
			ending = "nd"
		case 3:
			ending = "rd"
		}
	}
	return thousands(n) + ending
}

// because adds a reason to a sentence, and ends it.
func because(sentence, reason string) string {
	if reason = strings.TrimRight(strings.TrimSpace(reason), "."); reason == "" {
		return sentence + "."
	}
	return sentence + ": " + reason + "."
}

// upper begins a sentence.
func upper(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		return string(c-'a'+'A') + s[1:]
	}
	return s
}

// Length says how long something took or lasts.
func Length(d time.Duration) string { return span(d) }

// Number writes a number with its thousands apart.
func Number(n int) string { return thousands(n) }

// Count names a number of things: 1 job, 1,204 jobs.
func Count(n int, noun string) string { return count(n, noun) }
