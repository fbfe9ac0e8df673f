package index

import (
	"slices"
	"strings"
	"time"

	"spool.internal/events"
)

// States of a job that are no outcomes.
const (
	StateFailing  = "failing" // the last finished execution failed or was given up, and nobody has acknowledged that
	StateDisabled = "disabled"
	StateNeverRan = "never_ran"
)

// States are what a job can be listed by.
var States = []string{
	StateFailing, string(events.OutcomeRunning), string(events.OutcomeWaiting), string(events.OutcomeRetrying), StateNeverRan, StateDisabled,
	string(events.OutcomeOK), string(events.OutcomeFailed), string(events.OutcomeGaveUp), string(events.OutcomeCancelled),
	string(events.OutcomeCalled), string(events.OutcomeNotKept),
}

// Verdicts are the verdicts on slots that a job can be listed by.
func Verdicts() (list []string) {
	for _, v := range verdicts {
		list = append(list, string(v))
	}
	return list
}

// Modes of a job.
const (
	ModeCron      = "cron"
	ModeAutomatic = "automatic"
)

// Filter chooses among jobs: those that meet every field that is set.
type Filter struct {
	Owner       string // empty: everybody's
	Status      events.JobStatus
	State       string // one of [States]
	Mode        string
	LastResult  string // status of the newest call, or "none"
	Text        string // part of the name, of a tag or of the key, in any case; or the whole id
	Tag         string
	Key         string
	ManagedBy   string
	Had         events.Ruling // slots of the last day
	FailedSince time.Time
	NextBefore  time.Time
}

// chooser is a filter that is asked about many jobs.
type chooser struct {
	Filter
	x    *Index
	text string
	now  time.Time
}

// choose prepares a filter. x stays locked until it has been asked for the last time.
func (x *Index) choose(f Filter, now time.Time) *chooser {
	return &chooser{Filter: f, x: x, text: fold(f.Text), now: now}
}

// admits reports whether a job meets the filter.
func (c *chooser) admits(n uint32) bool {
	j := c.x.table.all[n]
	return j.known && (c.Owner == "" || c.Owner == j.owner) &&
		(c.Status == "" || (c.Status == events.Enabled) == j.enabled) &&
		(c.Mode == "" || (c.Mode == ModeAutomatic) == j.automatic) &&
		c.reads(j) && c.stands(n, j) && c.ended(n) &&
		(c.Had == "" || c.x.hadOf(n, c.Had, c.now)) &&
		(c.NextBefore.IsZero() || c.due(j))
}

// reads judges by what is written in a job.
func (c *chooser) reads(j *job) bool {
	l := j.labels
	if l == nil {
		l = &labels{}
	}
	return (c.Tag == "" || slices.Contains(l.tags, c.Tag)) &&
		(c.Key == "" || c.Key == l.key) && (c.ManagedBy == "" || c.ManagedBy == l.managedBy) &&
		(c.text == "" || strings.Contains(j.folded, c.text) || strings.Contains(l.folded, c.text) || len(c.text) == 36 && c.text == j.id.String())
}

// stands judges by how a job stands.
func (c *chooser) stands(n uint32, j *job) bool {
	switch c.State {
	case "":
		return true
	case StateDisabled:
		return !j.enabled
	case string(events.OutcomeRunning), string(events.OutcomeWaiting), string(events.OutcomeRetrying):
		is, _ := c.x.nowOf(n, c.now)
		return string(outcomes[is]) == c.State
	}
	last, failing := c.x.standingOf(n)
	switch c.State {
	case StateFailing:
		return failing
	case StateNeverRan:
		return c.x.neverRan(n)
	default:
		return last != none && string(outcomes[last]) == c.State
	}
}

// neverRan reports that no execution of a job is kept, nor on its way. x is locked.
func (x *Index) neverRan(n uint32) bool {
	_, _, ok := x.shown.before(x.shown.seen(n).newest)
	return !ok
}

// ended judges by executions that have ended.
func (c *chooser) ended(n uint32) bool {
	s := c.x.shown.seen(n)
	if !c.FailedSince.IsZero() && int64(s.failed) < c.FailedSince.Unix() {
		return false
	}
	if c.LastResult == "" {
		return true
	}
	_, e, ok := c.x.shown.before(s.newest)
	switch {
	case !ok:
		return c.LastResult == "none"
	case e.call().bad():
		return c.LastResult == string(events.ERROR)
	default:
		return c.LastResult == string(events.OK)
	}
}

func (c *chooser) due(j *job) bool {
	slot, ok := j.next(c.now)
	return ok && !slot.Time().After(c.NextBefore)
}

// Select gives the ids of the jobs that meet a filter, oldest first.
func (x *Index) Select(f Filter, now time.Time) (ids []string) {
	rows, _, _ := x.List(Page{Filter: f, Limit: 1 << 30}, now)
	for _, r := range rows {
		ids = append(ids, r.JobID)
	}
	return ids
}
