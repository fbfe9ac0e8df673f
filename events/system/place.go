package system

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
)

// Places gives a line for each machine whose drives differ from those of the others.
func Places(all events.Places) (lines []Line) {
	for _, p := range all.All {
		lines = append(lines, Place(p, all.At))
	}
	return lines
}

// Place gives the line of one machine: its drives, when it was heard, its clock, and what waits while it
// is away.
func Place(p events.Place, now time.Time) Line {
	l := Line{Name: p.Name, Kind: KindPlace, State: OK, Detail: p.API}
	own, shared := drivesOf(p)
	if p.Away {
		l.State, l.Since = Away, p.Heard
		when := "for an hour"
		if !p.Heard.IsZero() {
			when = "since " + p.Heard.UTC().Format("15:04:05 UTC") + ", " + ago(now.Sub(p.Heard))
		}
		l.Means = fmt.Sprintf("Not heard of %s: %s.", when, waits(own))
		l.Todo = "Start it, or see whether it reaches the others. When it never comes back: spool machine forget " + p.Name + "."
		return l
	}
	clock := time.Duration(0)
	var missing []string
	for _, r := range p.Roles {
		if r.Away && len(r.RoleState.Drives) > 0 {
			missing = append(missing, r.Role)
			continue
		}
		l.Host, l.Version = r.Host, max(l.Version, r.Version)
		if offset := r.Clock.Sub(r.Heard); !r.Away && !r.Heard.IsZero() && offset.Abs() > clock.Abs() {
			clock = offset
		}
	}
	l.Means = fmt.Sprintf("Heard of %s ago; its clock is %s from that of the store. It serves %s", ago(now.Sub(p.Heard)), ago(clock.Abs()), served(own, shared))
	switch {
	case len(missing) > 0:
		l.State = Warning
		l.Means += fmt.Sprintf(" Its %s is away: %s.", strings.Join(missing, " and "), waits(own))
		l.Todo = start(missing[0])
	case p.API == "" && len(own) > 0 && len(p.Drives("gateway")) > 0:
		l.State = Warning
		l.Means += " Its gateway says no address: files on its own drives are reached there alone."
		l.Todo = "Start it with --advertise-url, or with --listen on an address that the others reach."
	}
	return l
}

// drivesOf lists the drives of a place, those that it has for itself and the shared ones.
func drivesOf(p events.Place) (own, shared []string) {
	for _, r := range p.Roles {
		for _, d := range r.RoleState.Drives {
			to := &own
			if d.Shared {
				to = &shared
			}
			if !slices.Contains(*to, d.Name) {
				*to = append(*to, d.Name)
			}
		}
	}
	slices.Sort(own)
	slices.Sort(shared)
	return own, shared
}

func served(own, shared []string) string {
	switch {
	case len(own)+len(shared) == 0:
		return "no drive."
	case len(shared) == 0:
		return some(own) + "."
	case len(own) == 0:
		return some(shared) + ", shared."
	}
	return some(own) + ", and shared " + some(shared) + "."
}

// waits says what does not happen while a machine is away.
func waits(own []string) string {
	if len(own) == 0 {
		return "the others do its work"
	}
	return "files on " + some(own) + " wait, and the runs that need them"
}

// shownDrives is how many drives a line names.
const shownDrives = 5

func some(names []string) string {
	if over := len(names) - shownDrives; over > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownDrives], ", "), over)
	}
	return strings.Join(names, ", ")
}
