package index

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/heap"
)

// Orders in which jobs are listed.
const (
	ByCreated = "created"
	ByName    = "name"
	ByNext    = "next"
	ByLast    = "last"
	ByOutcome = "outcome"
)

// Orders lists them.
var Orders = []string{ByCreated, ByName, ByNext, ByLast, ByOutcome}

// Page asks for one page of a list of jobs.
type Page struct {
	Filter
	By      string // one of [Orders]; empty is ByCreated
	Reverse bool
	After   *Place // where it begins; nil is the beginning
	Limit   int
}

// Place is where a job stands in a list. It stays good when the job is deleted or changes.
type Place struct {
	Number int64
	Text   string
	JobID  string
}

// Row is what a list shows of a job beside the job.
type Row struct {
	JobID       string
	Outcome     events.Outcome // of the last finished execution; empty when there is none
	NeverRan    bool
	Now         events.Outcome // of the newest execution that has not ended; empty when there is none
	Since       time.Time      // since when it stands so
	Next        time.Time      // the zero time when there is none
	Timezone    string
	Description string
	Tags        []string // never nil
	Recent      []Execution
	Place       Place
}

// absent is the number of a job that has none to be sorted by: it comes last in any order.
const absent = math.MaxInt64

// key is what a job is sorted by.
type key struct {
	number int64
	text   string
	id     uuid.UUID
	job    uint32
}

// compare is negative when k comes first.
func (k key) compare(o key, reverse bool) int {
	if (k.number == absent) != (o.number == absent) {
		return cmp.Compare(k.number, o.number)
	}
	c := cmp.Or(cmp.Compare(k.number, o.number), strings.Compare(k.text, o.text), bytes.Compare(k.id[:], o.id[:]))
	if reverse {
		return -c
	}
	return c
}

// keyOf is what a job is sorted by. x is locked.
func (x *Index) keyOf(n uint32, by string, now time.Time) key {
	j := x.table.all[n]
	k := key{id: j.id, job: n}
	switch by {
	case ByName:
		k.text = j.folded
	case ByNext:
		slot, ok := j.next(now)
		if k.number = int64(slot); !ok {
			k.number = absent
		}
	case ByLast:
		last, _ := x.standingOf(n)
		if k.number = int64(x.lastAt(n)); last == none {
			k.number = absent
		}
	case ByOutcome:
		last, _ := x.standingOf(n)
		k.number = last.worst()
	default:
		k.number = j.created
	}
	return k
}

// List gives a page of the jobs that meet a filter, how many meet it on all pages, and
// whether there are more behind this one.
func (x *Index) List(p Page, now time.Time) (rows []Row, total int, more bool) {
	defer x.read(now)()
	var after *key
	if p.After != nil {
		id, _ := uuid.Parse(p.After.JobID)
		after = &key{number: p.After.Number, text: p.After.Text, id: id}
	}
	c := x.choose(p.Filter, now)
	first := heap.New(func(a, b key) bool { return a.compare(b, p.Reverse) > 0 }) // its first is the last of those that are shown
	for n := range x.table.all {
		if !c.admits(uint32(n)) {
			continue
		}
		total++
		k := x.keyOf(uint32(n), p.By, now)
		if after != nil && k.compare(*after, p.Reverse) <= 0 {
			continue
		}
		if last, _ := first.First(); first.Len() > p.Limit {
			if k.compare(last, p.Reverse) > 0 {
				continue
			}
			first.Pop()
		}
		first.Push(k)
	}
	keys := slices.Clone(first.All())
	slices.SortFunc(keys, func(a, b key) int { return a.compare(b, p.Reverse) })
	if more = len(keys) > p.Limit; more {
		keys = keys[:p.Limit]
	}
	for _, k := range keys {
		row := x.row(k.job, now)
		row.Place = Place{k.number, k.text, row.JobID}
		rows = append(rows, row)
	}
	return rows, total, more
}

// recents is how many of the last executions of a job are shown with it.
const recents = 12

// row gives what is shown of a job. x is locked.
func (x *Index) row(n uint32, now time.Time) Row {
	j := x.table.all[n]
	last, _ := x.standingOf(n)
	is, since := x.nowOf(n, now)
	r := Row{
		JobID: j.id.String(), Outcome: outcomes[last], NeverRan: last == none && x.neverRan(n), Now: outcomes[is], Since: since, Tags: []string{},
	}
	if j.labels != nil && len(j.labels.tags) > 0 {
		r.Tags = j.labels.tags
	}
	if slot, ok := j.next(now); ok {
		r.Next = slot.Time()
	}
	if j.timing != nil {
		r.Timezone, r.Description = j.timing.description()
	}
	x.shown.eachOf(n, func(e *entry) bool {
		r.Recent = append(r.Recent, execution(j, e))
		return len(r.Recent) < recents
	})
	return r
}

// Row gives what a list would show of one job; ok is false when it is not known.
func (x *Index) Row(jobID string, now time.Time) (r Row, ok bool) {
	defer x.read(now)()
	n, ok := x.table.find(jobID)
	if !ok {
		return Row{Tags: []string{}}, false
	}
	return x.row(n, now), true
}

// OwnerOf names the owner of a job; ok is false when it is not known.
func (x *Index) OwnerOf(jobID string) (owner string, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n, ok := x.table.find(jobID)
	if !ok {
		return "", false
	}
	return x.table.all[n].owner, true
}

// KnownFrom is since when all executions are known that are kept.
func (x *Index) KnownFrom(now time.Time) time.Time {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.knownFrom(now)
}
