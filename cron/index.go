package cron

import (
	"cmp"
	"container/heap"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
)

// job is a job as its newest event left it. It never changes; a new event makes a new one.
type job struct {
	id string
	events.Period
}

// table is the picture of all jobs: the job feed draws it, the loop reads it. A
// reading costs what is due and what has changed, not what exists.
type table struct {
	zone *time.Location // of jobs that name none
	log  *slog.Logger

	mu      sync.Mutex
	seq     uint64                 // of JOBS, up to which the picture goes
	jobs    map[string]entry       // by id
	changed map[string]*job        // since the last [table.advance] that knew them
	known   uint64                 // of JOBS, up to which that one did
	groups  map[events.When]*group // of the enabled jobs that have a schedule
	due     groups                 // the same, by their next slot
	base    events.Minute          // what next is computed from
}

// entry is a job and its place in the picture.
type entry struct {
	*job
	group *group // nil: no slots
	index int    // in group.jobs
}

func newTable(zone *time.Location, log *slog.Logger) *table {
	return &table{
		zone: zone, log: log,
		jobs: map[string]entry{}, changed: map[string]*job{}, groups: map[events.When]*group{},
	}
}

// apply takes an event into the picture.
func (t *table) apply(r events.JobRevision) {
	id := r.Event.Job.ID
	j := &job{id: id}
	var err error
	if !r.Gone() {
		j.Period, err = (&events.JobChange{JobRevision: r}).Period()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq = max(t.seq, r.Seq)
	if old, ok := t.jobs[id]; ok {
		t.remove(old)
	}
	if err == nil && !r.Gone() {
		err = t.add(j)
	}
	if err != nil {
		// The gateway lets no such job in. It has no slots until it is mended.
		t.log.Error("a job cannot be scheduled", "job_id", id, "error", err.Error())
	}
}

func (t *table) add(j *job) error {
	e := entry{job: j}
	if j.Enabled && j.Schedule != "" {
		g, ok := t.groups[j.When]
		if !ok {
			sched, err := j.Slots(t.zone)
			if err != nil {
				return fmt.Errorf("schedule: %w", err)
			}
			g = &group{When: j.When, times: sched} // next is 0: the next pass will look
			t.groups[g.When] = g
			heap.Push(&t.due, g)
		}
		j.When, j.Times = g.When, g.times // one copy for all
		e.group, e.index = g, len(g.jobs)
		g.jobs = append(g.jobs, j)
	}
	t.jobs[j.id] = e
	if j.Seq > t.known {
		t.changed[j.id] = j
	}
	return nil
}

func (t *table) remove(e entry) {
	delete(t.jobs, e.id)
	delete(t.changed, e.id)
	g := e.group
	if g == nil {
		return
	}
	last := len(g.jobs) - 1
	if e.index < last {
		moved := t.jobs[g.jobs[last].id]
		g.jobs[e.index], moved.index = moved.job, e.index
		t.jobs[moved.id] = moved
	}
	g.jobs[last] = nil
	if g.jobs = g.jobs[:last]; last == 0 {
		heap.Remove(&t.due, g.place)
		delete(t.groups, g.When)
	}
}

// view is what one pass works on.
type view struct {
	seq     uint64 // of JOBS, up to which the view goes
	changed []*job // with an event after the clock's JobsSeq
	due     []*job // that may have slots up to the pass's minute, by id
}

// view gives the jobs with events after seen, and the enabled jobs after cursor
// that may have slots in (from, to].
func (t *table) view(seen uint64, from, to events.Minute, cursor string) view {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := view{seq: max(t.seq, seen)}
	for _, j := range t.changed {
		if j.Seq > seen {
			v.changed = append(v.changed, j)
		}
	}
	t.turnBack(from)
	t.due.upTo(0, to, func(g *group) {
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
func (t *table) turnBack(minute events.Minute) {
	if minute >= t.base {
		return
	}
	t.base = minute
	for _, g := range t.due {
		g.next = 0 // all alike: still a heap
	}
}

// advance takes note of a finished pass, of whichever replica, that knew the
// events up to seq.
func (t *table) advance(minute events.Minute, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turnBack(minute)
	t.base = minute
	for len(t.due) > 0 && t.due[0].next <= minute {
		t.due[0].next = never
		if next := t.due[0].times.Next(minute.Time()); !next.IsZero() {
			t.due[0].next = events.MinuteOf(next)
		}
		heap.Fix(&t.due, 0)
	}
	t.known = max(t.known, seq)
	maps.DeleteFunc(t.changed, func(_ string, j *job) bool { return j.Seq <= seq })
}

// job gives a job as the picture has it, or nil.
func (t *table) job(id string) *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.jobs[id].job
}

// oldest gives the minute that the first of the jobs was created in, or the given one when that is earlier.
func (t *table) oldest(minute events.Minute) events.Minute {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.jobs {
		minute = min(minute, e.Born)
	}
	return minute
}
