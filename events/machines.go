package events

import "time"

// HeardLease is a lease, and when the store took it.
type HeardLease struct {
	PlaceLease
	Heard time.Time
}

// Machines is which machines have runners that are there. The zero value knows none.
type Machines struct {
	Leases []HeardLease
	At     time.Time // by the store's clock
}

// Waits says that a run waits for its machine, which is away; empty when the machine is there, or
// nothing is known.
func (m Machines) Waits(place string) string {
	if place == "" || m.At.IsZero() {
		return ""
	}
	var last *HeardLease
	for i, l := range m.Leases {
		if l.Place != place {
			continue
		}
		if !l.Released && m.At.Sub(l.Heard) <= LeaseAwayAfter {
			return ""
		}
		if last == nil || last.Heard.Before(l.Heard) {
			last = &m.Leases[i]
		}
	}
	switch {
	case last == nil:
		return "waits for machine " + place + ", which has no runner yet"
	case last.Released:
		return "waits for machine " + place + ", stopped since " + last.Heard.UTC().Format(time.RFC3339)
	}
	return "waits for machine " + place + ", away since " + last.Heard.UTC().Format(time.RFC3339)
}
