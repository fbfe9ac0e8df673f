package ui

import (
	"cmp"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

func (u *UI) deadPages() []page {
	return []page{
		{path: "/dead", template: "dead", nav: "Dead letters", title: "Dead letters", view: u.viewDead},
		{path: "/dead/bulk", template: "deadbulk", nav: "Dead letters", may: events.Token.MayWrite, view: u.viewDeadBulk},
	}
}

// shownDead is how many dead letters a page has.
const shownDead = 50

// shownGroups is how many groups stand above them.
const shownGroups = 20

// deadView is the dead letters that a filter means.
type deadView struct {
	Rows     []deadRow
	Groups   []deadGroup
	MoreOf   int // groups that are not shown
	Total    int
	Exact    bool
	First    bool     // it is the first page, which knows the total
	Kept     []hidden // the filter
	Filters  []link   // each takes one away
	Empty    *emptyList
	ReadOnly *emptyList
	Pager    pager
	MayWrite bool
}

// deadRow is a dead letter, or one that was queued again and has no result since.
type deadRow struct {
	ID        string // empty: it is queued again
	TriggerID string
	JobID     string
	JobName   string // empty: the job is deleted
	What      string // the file; empty: Slot, or When
	Slot      time.Time
	Answer    string
	Triggered time.Time // zero: not known
	At        time.Time // when it was given up
	Again     time.Time // when it was queued again
	Outcome   events.Outcome
	Zone      *time.Location
	MayRetry  bool // the caller's token reaches the job
}

// Name tells the row from others in the names of controls.
func (r deadRow) Name() string {
	name := cmp.Or(r.JobName, "deleted job")
	switch {
	case r.What != "":
		return name + ", " + r.What
	case !r.Slot.IsZero():
		return name + ", " + r.Slot.In(r.Zone).Format("Mon 2 Jan 15:04")
	}
	return name + ", by hand"
}

// deadGroup is those of one job with one error.
type deadGroup struct {
	v2.DeadGroup
	Href  string // the list of them
	Retry string // where all of them are retried
}

func (u *UI) viewDead(c *call) (any, error) {
	if job := c.query.Get("job"); job != "" { // the short name
		c.query.Set("job_id", job)
		c.query.Del("job")
	}
	q := c.pass()
	if !q.Has("limit") {
		q.Set("limit", why.Number(shownDead))
	}
	list, err := u.api.ListDead(c.Context(), c.who, q)
	if err != nil {
		return nil, err
	}
	v := &deadView{MayWrite: c.mayWrite(), First: list.Total != nil}
	if !v.MayWrite {
		v.ReadOnly = readOnly()
	}
	if v.First {
		again, err := u.api.ListRetried(c.Context(), c.who, filterOf(q), shownDead)
		if err != nil {
			return nil, err
		}
		for _, r := range again {
			v.Rows = append(v.Rows, u.deadRow(c, deadRow{TriggerID: r.TriggerID, JobID: r.JobID, Slot: r.Slot, What: fileOf(r.File), Again: r.Since}))
		}
		v.Total, v.Exact = list.Total.Count, list.Total.Exact
		v.groupsOf(list.Groups)
	}
	for _, d := range list.Dead {
		v.Rows = append(v.Rows, u.deadRow(c, deadRow{
			ID: d.ID, TriggerID: d.TriggerID, JobID: d.JobID, Slot: d.Slot, What: fileOf(d.File), Triggered: d.Triggered, At: d.At,
			Answer: visible(events.Result{HTTP: d.HTTP}.Error()),
		}))
	}
	u.settled(c, v)
	v.filters(c, q)
	shown := why.Number(len(list.Dead))
	if v.First {
		shown += " of " + why.Number(v.Total)
	}
	v.Pager = c.pager(list.Next, shown)
	if len(v.Rows) == 0 {
		v.Empty = noneYet("There are no dead letters. A trigger becomes one when its call has failed until its time was over.")
		if len(v.Kept) > 0 {
			v.Empty = noMatch(0, "dead letters", "/dead")
		}
	}
	return v, nil
}

// filterOf is what a query filters by.
func filterOf(q url.Values) url.Values {
	f := url.Values{}
	for _, key := range []string{"job_id", "since", "error", "username"} {
		if q.Get(key) != "" {
			f.Set(key, q.Get(key))
		}
	}
	return f
}

func fileOf(f *v2.File) string {
	if f == nil {
		return ""
	}
	return visible(f.Path)
}

// deadRow adds what is known of the job.
func (u *UI) deadRow(c *call, r deadRow) deadRow {
	r.Zone = u.api.Zone
	if job, ok := u.api.Jobs.Job(r.JobID); ok {
		r.JobName, r.MayRetry = visible(job.Name), c.who.Reaches(job) == nil
		if p, err := job.Plan(u.api.Zone); err == nil {
			r.Zone = p.Zone
		}
	}
	return r
}

func (v *deadView) groupsOf(groups []v2.DeadGroup) {
	if len(groups) == 1 && groups[0].Count == 1 {
		return // the list says the same
	}
	v.MoreOf = max(0, len(groups)-shownGroups)
	for _, g := range groups[:min(len(groups), shownGroups)] {
		of := url.Values{"job_id": {g.JobID}, "error": {g.Error}}
		all := url.Values{"all": {"1"}, "action": {string(events.BulkRetry)}, "job_id": {g.JobID}, "error": {g.Error}}
		g.Error = visible(g.Error)
		v.Groups = append(v.Groups, deadGroup{g, "/dead?" + of.Encode(), "/dead/bulk?" + all.Encode()})
	}
}

// filters says what the list is filtered by, and how to filter by less.
func (v *deadView) filters(c *call, q url.Values) {
	f := filterOf(q)
	for _, key := range []string{"job_id", "error", "since", "username"} {
		value := f.Get(key)
		if value == "" {
			continue
		}
		v.Kept = append(v.Kept, hidden{key, value})
		less := filterOf(q)
		less.Del(key)
		at := c.path
		if len(less) > 0 {
			at += "?" + less.Encode()
		}
		text := map[string]string{"job_id": "job ", "error": "error ", "since": "since ", "username": "owner "}[key] + visible(value)
		if key == "job_id" && len(v.Rows) > 0 && v.Rows[0].JobName != "" {
			text = "job " + v.Rows[0].JobName
		}
		v.Filters = append(v.Filters, link{at, text})
	}
}

// settled adds what became of dead letters whose cells are asked for, and which are no dead
// letters any more: they were queued again and have a result.
func (u *UI) settled(c *call, v *deadView) {
	shown := map[string]bool{}
	for _, r := range v.Rows {
		shown[r.TriggerID] = true
	}
	for _, id := range c.cells {
		if id == "all" || shown[id] {
			continue
		}
		if x, err := u.api.GetExecution(c.Context(), c.who, id, nil); err == nil {
			v.Rows = append(v.Rows, deadRow{TriggerID: id, JobID: x.JobID, JobName: x.JobName, Outcome: x.Outcome, Zone: u.api.Zone})
		}
	}
}
