package index

import (
	"slices"
	"time"

	"spool.internal/events"
)

// Overview is how the jobs of an owner stand.
type Overview struct {
	Jobs    int
	States  map[string]int // by state, see [States]
	Minute  events.Minute  // after which the parts of Starts begin
	Starts  [parts]int     // slots to come
	Failing []Failing      // those that began to fail last, as many as were asked for
	Missed  int            // jobs that missed slots in the last day

	Folders map[events.FolderState]int
	Away    []string // ids of jobs in whose folders no file can be seen, as many as were asked for
	Oldest  *Waiting // nil: no file waits

	Retrying int       // jobs whose calls are repeated
	Calls    int       // such calls
	Next     time.Time // when the next is made
	NextOf   string    // of which job

	KnownFrom time.Time
}

// PartLength is how long each part of Starts is.
const PartLength = partLength * time.Minute

// Failing is a job whose last finished execution failed.
type Failing struct {
	Execution
	Ended time.Time
	Since time.Time // the end of the first of its failures in a row
}

// Waiting is the file that has waited longest.
type Waiting struct {
	JobID   string
	Since   time.Time
	Pending int // files that wait in its folder
}

// Overview counts the jobs of an owner ("" = everybody's), and names some of them.
func (x *Index) Overview(owner string, some int, now time.Time) Overview {
	x.mu.Lock() // schedules keep the counts of their slots
	defer x.mu.Unlock()
	o := Overview{Minute: x.tick(now), Folders: map[events.FolderState]int{}, KnownFrom: x.knownFrom(now)}
	var states [len(stateNames)]int
	var fail []uint32
	for i, j := range x.table.all {
		if !j.known || owner != "" && owner != j.owner {
			continue
		}
		n := uint32(i)
		o.Jobs++
		if x.stand(&states, n, j, now) {
			fail = append(fail, n)
		}
		if j.enabled && j.timing != nil {
			j.timing.counting++
		}
		if x.hadOf(n, events.VerdictMissed, now) {
			o.Missed++
		}
		x.watches(&o, n, j, some, now)
		x.repeats(&o, n, j, now)
	}
	o.States = named(&states)
	for _, t := range x.table.timings {
		if t.counting == 0 {
			continue
		}
		for part, starts := range t.starts(o.Minute) {
			o.Starts[part] += int(starts) * t.counting
		}
		t.counting = 0
	}
	o.Failing = x.name(fail, some)
	return o
}

// stand counts a job by the states that it is in, and reports whether it is failing: one that runs for the
// first time has run. x is locked.
func (x *Index) stand(states *[len(stateNames)]int, n uint32, j *job, now time.Time) (failing bool) {
	last, failing := x.standingOf(n)
	states[last]++
	if failing {
		states[stateFailing]++
	}
	if is, _ := x.nowOf(n, now); is != none {
		states[is]++
	} else if last == none && x.neverRan(n) {
		states[stateNeverRan]++
	}
	if !j.enabled {
		states[stateDisabled]++
	}
	return failing
}

func (x *Index) watches(o *Overview, n uint32, j *job, some int, now time.Time) {
	if !j.automatic || !j.enabled { // what was said of a folder is kept longer than it is watched
		return
	}
	f, ok := x.folders[n]
	if !ok || !f.holds(now) {
		return
	}
	o.Folders[f.state]++
	if f.state.Away() && len(o.Away) < some {
		o.Away = append(o.Away, j.id.String())
	}
	if since := time.Unix(int64(f.oldest), 0).UTC(); f.oldest != 0 && (o.Oldest == nil || since.Before(o.Oldest.Since)) {
		o.Oldest = &Waiting{j.id.String(), since, int(f.pending)}
	}
}

func (x *Index) repeats(o *Overview, n uint32, j *job, now time.Time) {
	if len(x.retries) == 0 {
		return
	}
	r, ok := x.retries[n]
	if !ok || !r.holds(now) {
		return
	}
	o.Retrying++
	o.Calls += int(r.waiting)
	if next := time.Unix(int64(r.next), 0).UTC(); o.Next.IsZero() || next.Before(o.Next) {
		o.Next, o.NextOf = next, j.id.String()
	}
}

// name gives those of failing jobs that began to fail last, with since when each fails. x is locked.
func (x *Index) name(fail []uint32, some int) (list []Failing) {
	slices.SortFunc(fail, func(a, b uint32) int { return int(int64(x.lastAt(b)) - int64(x.lastAt(a))) })
	for _, n := range fail[:min(some, len(fail))] {
		_, last, _ := x.shown.before(x.shown.seen(n).finished)
		first := last.at
		x.shown.eachOf(n, func(e *entry) bool {
			is := e.outcome()
			if is.bad() {
				first = min(first, e.at)
			}
			return is.bad() || is.open()
		})
		list = append(list, Failing{Execution: execution(x.table.all[n], last), Ended: last.since(), Since: time.Unix(int64(first), 0).UTC()})
	}
	return list
}
