package index

import (
	"time"

	"spool.internal/events"
)

// Counts says how many jobs a list would have in each state and mode.
type Counts struct {
	Jobs   int            // of the owner, whatever else the filter says
	States map[string]int // with this state in place of the filter's, see [States]; none where it is 0
	Modes  map[string]int // with this mode in place of the filter's
	Meet   int            // with neither
}

// Count counts the jobs that meet a filter, in one pass over all of them.
func (x *Index) Count(f Filter, now time.Time) Counts {
	defer x.read(now)()
	rest := f
	rest.State, rest.Mode = "", ""
	all, whole := x.choose(rest, now), x.choose(f, now)
	counts := Counts{}
	var modes [2]int // by the clock, for files
	var states [len(stateNames)]int
	for i, j := range x.table.all {
		if !j.known || f.Owner != "" && f.Owner != j.owner {
			continue
		}
		counts.Jobs++
		n := uint32(i)
		if !all.admits(n) {
			continue
		}
		counts.Meet++
		mode := 0
		if j.automatic {
			mode = 1
		}
		if whole.stands(n, j) {
			modes[mode]++
		}
		if f.Mode == "" || (f.Mode == ModeAutomatic) == j.automatic {
			x.tally(&states, n, j, now)
		}
	}
	counts.States, counts.Modes = named(&states), map[string]int{ModeCron: modes[0], ModeAutomatic: modes[1]}
	return counts
}

// States that are no outcomes, counted behind the outcomes.
const (
	stateFailing = notKept + 1 + iota
	stateNeverRan
	stateDisabled
	stateEnd
)

var stateNames = [stateEnd]string{stateFailing: StateFailing, stateNeverRan: StateNeverRan, stateDisabled: StateDisabled}

// tally counts a job in each state that it is in: as [chooser.stands] judges. x is locked.
func (x *Index) tally(states *[len(stateNames)]int, n uint32, j *job, now time.Time) {
	last, failing := x.standingOf(n)
	states[last]++
	if is, _ := x.nowOf(n, now); is != none && is != last {
		states[is]++
	}
	if failing {
		states[stateFailing]++
	}
	if last == none && x.neverRan(n) {
		states[stateNeverRan]++
	}
	if !j.enabled {
		states[stateDisabled]++
	}
}

func named(states *[len(stateNames)]int) map[string]int {
	names := map[string]int{}
	for i, n := range states {
		name := stateNames[i]
		if i <= int(notKept) {
			name = string(outcomes[i])
		}
		if n > 0 && name != "" {
			names[name] = n
		}
	}
	return names
}

// Meeting counts those of some jobs that meet a filter.
func (x *Index) Meeting(f Filter, ids []string, now time.Time) (meet int) {
	defer x.read(now)()
	c := x.choose(f, now)
	for _, id := range ids {
		if n, ok := x.table.find(id); ok && c.admits(n) {
			meet++
		}
	}
	return meet
}

// DueOf gives those of some jobs that run next up to a time, in their order.
func (x *Index) DueOf(ids []string, by, now time.Time) (due []string) {
	defer x.read(now)()
	for _, id := range ids {
		n, ok := x.table.find(id)
		if !ok {
			continue
		}
		if slot, ok := x.table.all[n].next(now); ok && slot <= events.MinuteOf(by) {
			due = append(due, id)
		}
	}
	return due
}
