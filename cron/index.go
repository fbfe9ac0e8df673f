package cron

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/heap"
)

// job is a job as its newest event left it. It never changes; a new event makes a new one.
type job struct {
	id string
	events.Period
}

// index is an in-memory index of all jobs, written by the job feed and read by the loop.
// The cost of a read grows with what is due and what has changed, not with what exists.
type index struct {
	zone *time.Location // of jobs that name none
	log  *slog.Logger

	mu      sync.Mutex
	seq     uint64                 // of JOBS, up to which the index goes
	jobs    map[string]entry       // by id
	changed map[string]*job        // since the last [index.advance] that knew them
	known   uint64                 // of JOBS, up to which that one did
	groups  map[events.When]*group // of the enabled and the shadowed jobs that have a schedule
	due     *heap.Heap[*group]     // the same, by their next slot
	base    events.Minute          // what next is computed from
}

// entry is a job and its place in the index.
type entry struct {
	*job
	group *group // nil: no slots
	place int    // in group.jobs
}

func newIndex(zone *time.Location, log *slog.Logger) *index {
	return &index{
		zone: zone, log: log,
		jobs: map[string]entry{}, changed: map[string]*job{}, groups: map[events.When]*group{},
		due: heap.New(func(a, b *group) bool { return a.next < b.next }).Moved(func(g *group, place int) { g.place = place }),
	}
}

// apply takes one event into the index; the job feed calls it.
func (x *index) apply(r events.JobRevision) {
	id := r.Event.Job.ID
	j := &job{id: id}
	var err error
	if !r.Gone() {
		j.Period, err = (&events.JobChange{JobRevision: r}).Period()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seq = max(x.seq, r.Seq)
	if old, ok := x.jobs[id]; ok {
		x.remove(old)
	}
	if err == nil && !r.Gone() {
		err = x.add(j)
	}
	if err != nil {
		// The gateway admits no such job. It has no slots until somebody corrects it.
		x.log.Error("a job cannot be scheduled", "job_id", id, "error", err.Error())
	}
}

func (x *index) add(j *job) error {
	e := entry{job: j}
	if j.Active() && j.Schedule != "" {
		g, ok := x.groups[j.When]
		if !ok {
			sched, err := j.Slots(x.zone)
			if err != nil {
				return fmt.Errorf("schedule: %w", err)
			}
			g = &group{When: j.When, times: sched} // next is 0: the next pass will look
			x.groups[g.When] = g
			x.due.Push(g)
		}
		j.When, j.Times = g.When, g.times // one copy for all
		e.group, e.place = g, len(g.jobs)
		g.jobs = append(g.jobs, j)
	}
	x.jobs[j.id] = e
	if j.Seq > x.known {
		x.changed[j.id] = j
	}
	return nil
}

func (x *index) remove(e entry) {
	delete(x.jobs, e.id)
	delete(x.changed, e.id)
	g := e.group
	if g == nil {
		return
	}
	last := len(g.jobs) - 1
	if e.place < last {
		moved := x.jobs[g.jobs[last].id]
		g.jobs[e.place], moved.place = moved.job, e.place
		x.jobs[moved.id] = moved
	}
	g.jobs[last] = nil
	if g.jobs = g.jobs[:last]; last == 0 {
		x.due.Remove(g.place)
		delete(x.groups, g.When)
	}
}

// view is what one pass works on.
type view struct {
	seq     uint64 // of JOBS, up to which the view goes
	changed []*job // with an event after the clock's JobsSeq
	due     []*job // that may have slots up to the pass's minute, by id
}

// view gives the jobs with events after seen, and the enabled and shadowed jobs after
// cursor that may have slots in (from, to].
func (x *index) view(seen uint64, from, to events.Minute, cursor string) view {
	x.mu.Lock()
	defer x.mu.Unlock()
	v := view{seq: max(x.seq, seen)}
	for _, j := range x.changed {
		if j.Seq > seen {
			v.changed = append(v.changed, j)
		}
	}
	x.turnBack(from)
	upTo(x.due.All(), 0, to, func(g *group) {
		for _, j := range g.jobs {
			if j.id > cursor {
				v.due = append(v.due, j)
			}
		}
	})
	slices.SortFunc(v.due, func(a, b *job) int { return cmp.Compare(a.id, b.id) })
	return v
}

// turnBack forgets what was computed from a later minute.
func (x *index) turnBack(minute events.Minute) {
	if minute >= x.base {
		return
	}
	x.base = minute
	for _, g := range x.due.All() {
		g.next = 0 // all alike: still a heap
	}
}

// advance records a finished pass, of whichever replica, that knew the events up to seq.
func (x *index) advance(minute events.Minute, seq uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.turnBack(minute)
	x.base = minute
	for g, ok := x.due.First(); ok && g.next <= minute; g, ok = x.due.First() {
		g.next = never
		if next := g.times.Next(minute.Time()); !next.IsZero() {
			g.next = events.MinuteOf(next)
		}
		x.due.Fix(0)
	}
	x.known = max(x.known, seq)
	maps.DeleteFunc(x.changed, func(_ string, j *job) bool { return j.Seq <= seq })
}

// job gives a job as the index has it, or nil.
func (x *index) job(id string) *job {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.jobs[id].job
}

// oldest gives the minute that the first of the jobs was created in, or the given one when that is earlier.
func (x *index) oldest(minute events.Minute) events.Minute {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.jobs {
		minute = min(minute, e.Born)
	}
	return minute
}
