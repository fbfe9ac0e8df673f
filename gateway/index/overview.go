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
	Since time.Time // the end of the first of its failures in a row

	ended uint32
	job   uint32
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
	o := Overview{States: map[string]int{}, Minute: x.tick(now), Folders: map[events.FolderState]int{}, KnownFrom: x.knownFrom(now)}
	for i, j := range x.table.all {
		if !j.known || owner != "" && owner != j.owner {
			continue
		}
		n := uint32(i)
		o.Jobs++
		x.count(&o, n, j, now)
		if j.enabled && j.timing != nil {
			for part, starts := range j.timing.starts(o.Minute) {
				o.Starts[part] += int(starts)
			}
		}
		if x.hadOf(n, events.VerdictMissed, now) {
			o.Missed++
		}
		x.watches(&o, n, j, some, now)
		x.repeats(&o, n, j, now)
	}
	x.name(&o, some)
	return o
}

// count counts a job by the states that it is in.
func (x *Index) count(o *Overview, n uint32, j *job, now time.Time) {
	last, at, failing := x.standingOf(n)
	if failing {
		o.States[StateFailing]++
		_, e, _ := x.shown.before(x.shown.seen(n).finished)
		o.Failing = append(o.Failing, Failing{Execution: execution(j, e), ended: at, job: n})
	}
	switch is, _ := x.nowOf(n, now); {
	case is != none:
		o.States[string(outcomes[is])]++
	case last == none && x.neverRan(n):
		o.States[StateNeverRan]++
	}
	if last != none {
		o.States[string(outcomes[last])]++
	}
	if !j.enabled {
		o.States[StateDisabled]++
	}
}

func (x *Index) watches(o *Overview, n uint32, j *job, some int, now time.Time) {
	if !j.automatic {
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

// name leaves those that began to fail last, and says since when each fails.
func (x *Index) name(o *Overview, some int) {
	slices.SortFunc(o.Failing, func(a, b Failing) int { return int(int64(b.ended) - int64(a.ended)) })
	o.Failing = o.Failing[:min(some, len(o.Failing))]
	for i := range o.Failing {
		f := &o.Failing[i]
		first := f.ended
		x.shown.eachOf(f.job, func(e *entry) bool {
			is := e.outcome()
			if is.bad() {
				first = min(first, e.at)
			}
			return is.bad() || is.open()
		})
		f.Since = time.Unix(int64(first), 0).UTC()
	}
}
