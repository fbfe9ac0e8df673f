package index

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/heap"
)

// Slot is one that is to come.
type Slot struct {
	JobID       string
	At          time.Time
	Schedule    string
	Timezone    string
	Description string
	Usual       *time.Duration // how long its runs take that end ok, the median of the last; nil where that is not known
}

// SlotPlace is where a slot stands among those to come: they are in the order of their times, and then of the ids of their jobs.
type SlotPlace struct {
	Minute events.Minute
	JobID  string
}

// Window asks for the slots in [From, To) of some jobs.
type Window struct {
	Filter
	JobID    string // empty: of every job that meets the filter
	From, To time.Time
	After    SlotPlace // the last that was shown; the zero place is the beginning
	Limit    int
}

// Upcoming gives the slots in a window, the soonest first, and whether there are more.
func (x *Index) Upcoming(w Window, now time.Time) (slots []Slot, more bool) {
	defer x.read(now)()
	last := w.After
	if at := last.Minute.Time(); last.JobID != "" && at.After(w.From) {
		w.From = at
	}
	due := x.groups(w, now)
	behind, _ := uuid.Parse(last.JobID)
	words := map[*timing][2]string{}
	for {
		g, ok := due.First()
		if !ok {
			return slots, false
		}
		var here []uint32
		at := g.at
		for ok && g.at.Equal(at) {
			here = append(here, g.jobs...)
			if g.at = g.timing.slots.Next(at); g.at.IsZero() || !g.at.Before(w.To) {
				due.Pop()
			} else {
				due.Fix(0)
			}
			g, ok = due.First()
		}
		here = slices.DeleteFunc(here, func(n uint32) bool {
			j := x.table.all[n]
			return at.Unix() <= j.effective || last.JobID != "" && events.MinuteOf(at) == last.Minute && bytes.Compare(j.id[:], behind[:]) <= 0
		})
		slices.SortFunc(here, func(a, b uint32) int {
			return bytes.Compare(x.table.all[a].id[:], x.table.all[b].id[:])
		})
		for _, n := range here {
			if len(slots) == w.Limit {
				return slots, true
			}
			slots = append(slots, x.slot(n, at, words))
		}
	}
}

// group is jobs with one schedule, and the next of its slots.
type group struct {
	timing *timing
	jobs   []uint32
	at     time.Time
}

// groups gives the schedules of the jobs that a window is about, the soonest first. x is locked.
func (x *Index) groups(w Window, now time.Time) *heap.Heap[*group] {
	c := x.choose(w.Filter, now)
	only, _ := uuid.Parse(w.JobID)
	byTiming := map[*timing]*group{}
	var all []*group
	for i, j := range x.table.all {
		if !j.enabled || j.timing == nil || w.JobID != "" && only != j.id || !c.admits(uint32(i)) {
			continue
		}
		g := byTiming[j.timing]
		if g == nil {
			at := j.timing.slots.Next(w.From.Add(-time.Nanosecond))
			g = &group{timing: j.timing, at: at}
			if byTiming[j.timing] = g; !at.IsZero() && at.Before(w.To) {
				all = append(all, g)
			}
		}
		g.jobs = append(g.jobs, uint32(i))
	}
	due := heap.New(func(a, b *group) bool { return cmp.Less(a.at.Unix(), b.at.Unix()) })
	due.Reset(all)
	return due
}

func (x *Index) slot(n uint32, at time.Time, words map[*timing][2]string) Slot {
	j := x.table.all[n]
	said, ok := words[j.timing]
	if !ok {
		said[0], said[1] = j.timing.description()
		words[j.timing] = said
	}
	return Slot{JobID: j.id.String(), At: at.UTC(), Schedule: j.timing.Schedule, Timezone: said[0], Description: said[1], Usual: x.usual(n)}
}

// usual is the median of how long the last runs of a job took that ended ok. x is locked.
func (x *Index) usual(n uint32) *time.Duration {
	var took []time.Duration
	looked := 0
	x.shown.eachOf(n, func(e *entry) bool {
		if d, ok := e.duration(); ok && e.outcome() == okay {
			took = append(took, d)
		}
		looked++
		return looked < recents
	})
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	return &took[len(took)/2]
}
