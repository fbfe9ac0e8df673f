package events

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"spool.internal/events/sorting"
)

// ServedDrive is a drive that a place serves.
type ServedDrive struct {
	Name   string `json:"name"`            // its path: owner/repo/fs/drive, or a folder in that
	Shared bool   `json:"shared,omitzero"` // it is the same folder at every place that serves it
	ID     string `json:"id,omitzero"`     // proves that
}

// On reports whether a path lies on the drive.
func (d ServedDrive) On(p Path) bool {
	return strings.HasPrefix(p.String()+"/", d.Name+"/")
}

// PlaceDrives is what one role of a place serves, as it is remembered while the machine is away.
type PlaceDrives struct {
	Place  string        `json:"place"`
	Role   string        `json:"role"`
	Drives []ServedDrive `json:"drives"`
	At     time.Time     `json:"at"` // when that was said first
}

// SharedDrive is what proves that a folder is the one that others have under its name.
type SharedDrive struct {
	Name  string    `json:"name"` // as [ServedDrive.Name]
	ID    string    `json:"id"`
	Place string    `json:"place,omitzero"` // that had it first
	At    time.Time `json:"at"`
}

// Place is a machine, as its roles say.
type Place struct {
	Name  string
	Roles []PlaceRole // by name
	API   string      // of its gateway, for the others; empty = it has none
	Heard time.Time   // by the store's clock; zero = not within the hour
	Away  bool        // none of its roles is heard of any more
}

// PlaceRole is one role of a place.
type PlaceRole struct {
	RoleState
	Heard time.Time
	Away  bool
}

// Places are all that are known, by name. The zero value knows none: drives and runs are those of all machines.
type Places struct {
	All []Place
	At  time.Time // by the store's clock
}

// HeardRole is what a role has said, and when the store took it.
type HeardRole struct {
	RoleState
	At time.Time
}

// PlacesOf puts together what roles have said within the hour and what is remembered of those that
// are away. What tells time is the store's clock: the newest of the roles is at most [RoleEvery] old.
func PlacesOf(heard []HeardRole, remembered []PlaceDrives, since time.Duration) Places {
	p, byRole := Places{}, map[string]HeardRole{}
	for _, h := range heard {
		if p.At.Before(h.At) {
			p.At = h.At
		}
		key := h.Place + " " + h.Role
		if had, ok := byRole[key]; h.Place != "" && (!ok || had.Stopped && !h.Stopped || had.Stopped == h.Stopped && had.At.Before(h.At)) {
			byRole[key] = h
		}
	}
	p.At = p.At.Add(since)
	all := map[string]*Place{}
	place := func(name string) *Place {
		if all[name] == nil {
			all[name] = &Place{Name: name, Away: true}
		}
		return all[name]
	}
	for _, h := range byRole {
		is, away := place(h.Place), h.Stopped || p.At.Sub(h.At) > RoleAwayAfter
		is.Roles = append(is.Roles, PlaceRole{h.RoleState, h.At, away})
		is.Away = is.Away && away
		if is.Heard.Before(h.At) {
			is.Heard = h.At
		}
		if h.Role == roleGateway {
			is.API = h.API
		}
	}
	for _, r := range remembered {
		is := place(r.Place)
		if _, known := byRole[r.Place+" "+r.Role]; !known && r.Place != "" {
			is.Roles = append(is.Roles, PlaceRole{RoleState{Role: r.Role, Place: r.Place, Drives: r.Drives}, time.Time{}, true})
		}
	}
	for _, is := range all {
		sorting.By(is.Roles, func(a, b PlaceRole) int { return cmp.Compare(a.Role, b.Role) })
		p.All = append(p.All, *is)
	}
	sorting.By(p.All, func(a, b Place) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// The roles that serve drives.
const (
	roleGateway = "gateway"
	roleRunner  = "runner"
	roleWatcher = "watcher"
)

// Get finds a place by its name.
func (p Places) Get(name string) (Place, bool) {
	for _, is := range p.All {
		if is.Name == name {
			return is, true
		}
	}
	return Place{}, false
}

// role gives one role of a place.
func (p Place) role(name string) (PlaceRole, bool) {
	for _, r := range p.Roles {
		if r.Role == name {
			return r, true
		}
	}
	return PlaceRole{}, false
}

// Runs reports whether a place has, or had, a runner.
func (p Place) Runs() bool { _, ok := p.role(roleRunner); return ok }

// Drives lists what a role of a place serves.
func (p Place) Drives(role string) []ServedDrive {
	r, _ := p.role(role)
	return r.Drives
}

// Shares reports whether a path is on a shared drive of a place.
func (p Place) Shares(path Path) bool {
	for _, r := range p.Roles {
		if serves, shared := r.Serves(path); serves && shared {
			return true
		}
	}
	return false
}

// Serves reports whether a role serves the drive of a path. That which a folder of a host has for
// itself names its place.
func (r PlaceRole) Serves(path Path) (serves, shared bool) {
	if at := path.HostMachine(); at != "" {
		return at == r.Place, false
	}
	longest := -1
	for _, d := range r.Drives {
		if d.On(path) && len(d.Name) > longest {
			longest, shared = len(d.Name), d.Shared
		}
	}
	return longest >= 0, shared
}

// Serving gives the places that serve a path in a role: those where that role is there, and those
// where it was.
func (p Places) Serving(role string, path Path) (there, away []Place) {
	for _, is := range p.All {
		r, ok := is.role(role)
		if !ok {
			continue
		}
		if serves, _ := r.Serves(path); !serves {
			continue
		}
		if r.Away {
			is.Heard = r.Heard
			away = append(away, is)
		} else {
			there = append(there, is)
		}
	}
	return there, away
}

// Watched gives the places whose watchers serve a path.
func (p Places) Watched(path Path) (there, away []Place) { return p.Serving(roleWatcher, path) }

// Reached gives the places whose gateways serve a path.
func (p Places) Reached(path Path) (there, away []Place) { return p.Serving(roleGateway, path) }

// Where says at which place a run is to be that needs some paths, the first the most: "" is any. Where
// several can have it, seed chooses. why is not empty when none can now: it says so for people, and
// the run waits. A drive that no place ever knew keeps it from none.
func (p Places) Where(seed string, paths ...Path) (place, why string) {
	runners := 0
	for _, is := range p.All {
		if is.Runs() {
			runners++
		}
	}
	var can []string // nil = any
	all := true      // runners serve all the paths, those that are away too
	for _, path := range paths {
		there, away := p.Serving(roleRunner, path)
		if len(there)+len(away) == 0 {
			continue
		}
		if len(there) == 0 {
			if can == nil {
				return "", p.Nobody(path, away)
			}
			continue
		}
		all = all && len(there)+len(away) == runners
		both := slices.DeleteFunc(namesOf(there), func(n string) bool { return can != nil && !slices.Contains(can, n) })
		if len(both) > 0 { // else what was said when the job was made comes true: see [Places.Apart]
			can = both
		}
	}
	if can == nil || all {
		return "", ""
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(seed)) // never fails
	return can[int(h.Sum32()%uint32(len(can)))], ""
}

func namesOf(all []Place) (names []string) {
	for _, is := range all {
		names = append(names, is.Name)
	}
	return names
}

// Nobody says that the drive of a path is served by no place, and which ones did until when.
func (p Places) Nobody(path Path, away []Place) string {
	text := "no machine serves the drive " + path.Drive
	var did []string
	for _, is := range away {
		if is.Heard.IsZero() {
			did = append(did, is.Name+" did, and has not been heard of for an hour")
		} else {
			did = append(did, is.Name+" did until "+p.clock(is.Heard))
		}
	}
	if len(did) > 0 {
		text += "; " + strings.Join(did, ", ")
	}
	return text
}

// clock writes a time of this day or another.
func (p Places) clock(t time.Time) string {
	if p.At.Sub(t) < 12*time.Hour {
		return t.UTC().Format("15:04 UTC")
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// Apart warns that no one place serves both paths; empty = one does, or that is not known.
func (p Places) Apart(input, other Path) string {
	a, awayA := p.Serving(roleRunner, input)
	b, awayB := p.Serving(roleRunner, other)
	at, with := append(namesOf(a), namesOf(awayA)...), append(namesOf(b), namesOf(awayB)...)
	if len(at) == 0 || len(with) == 0 || slices.ContainsFunc(at, func(n string) bool { return slices.Contains(with, n) }) {
		return ""
	}
	return fmt.Sprintf("%s lies on a drive of %s, and %s on one of %s: a run finds only one of them; put both on drives of one machine, or on a shared drive",
		input, strings.Join(at, ", "), other, strings.Join(with, ", "))
}
