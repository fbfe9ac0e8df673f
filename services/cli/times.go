package cli

import (
	"fmt"
	"strings"
	"time"

	"spool.internal/events/spelling"
)

// timeForm explains how a time is written on the command line.
const timeForm = "now-2h, 2026-11-23T14:00 (in your zone) or RFC 3339"

// readTime reads a time that a person wrote: now, now-2h, now+1d, 2026-11-23, a wall time in
// zone, or RFC 3339.
func readTime(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	for sign, way := range map[string]time.Duration{"now-": -1, "now+": 1} {
		if rest, ok := strings.CutPrefix(text, sign); ok {
			d, err := spelling.Duration(rest)
			return now.Add(way * d), err
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, form := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write %s", text, timeForm)
}

// zone returns the zone of a name, the person's own where there is none.
func (p *printer) zone(name string) *time.Location {
	if p.utc {
		return time.UTC
	}
	if name == "" {
		return time.Local
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.Local
	}
	return z
}

// time shows a time in a zone, and how far from now it is: 2026-11-23 14:00 CET (in 12m).
func (p *printer) time(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	return p.wall(t, zone) + " (" + p.away(t) + ")"
}

// wall shows a time in a zone.
func (p *printer) wall(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	form := "2006-01-02 15:04 MST"
	if t.Second() != 0 {
		form = "2006-01-02 15:04:05 MST"
	}
	return t.In(p.zone(zone)).Format(form)
}

// away shows how far from now a time is.
func (p *printer) away(t time.Time) string {
	switch d := t.Sub(p.now()); {
	case d > time.Second:
		return "in " + rough(d)
	case d < -time.Second:
		return rough(-d) + " ago"
	default:
		return "now"
	}
}

// rough shows a duration in the two units that say most.
func rough(d time.Duration) string {
	units := []struct {
		name string
		one  time.Duration
	}{{"y", 365 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	d = d.Round(time.Second)
	for i, u := range units {
		if d < u.one {
			continue
		}
		text := fmt.Sprintf("%d%s", d/u.one, u.name)
		if i+1 < len(units) {
			if rest := d % u.one / units[i+1].one; rest > 0 && d/u.one < 10 {
				text += fmt.Sprintf("%d%s", rest, units[i+1].name)
			}
		}
		return text
	}
	return "0s"
}

// took shows how long something took.
func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return rough(d)
}
