package ui

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// jobsLimit is how many jobs a page of the list has.
const jobsLimit = "50"

func (u *UI) jobsPages() []page {
	return []page{
		{path: "/jobs", template: "jobs", nav: "Jobs", view: u.viewJobs},
		{path: "/jobs/bulk", template: "jobsbulk", title: "Many jobs at once", nav: "Jobs", may: events.Token.MayWrite, view: u.viewJobsBulk},
		{path: "/bulk/{id}", template: "bulk", title: "Many at once", nav: "Jobs", view: u.viewBulk},
		{path: "/upcoming", template: "upcoming", nav: "Upcoming", view: u.viewUpcoming},
	}
}

func (u *UI) jobsActions() []action {
	return []action{
		{path: "/jobs/bulk", do: u.beginJobsBulk},
		{path: "/jobs/{id}/run", do: u.runJob},
		{path: "/jobs/{id}/enable", do: u.enableJob},
		{path: "/jobs/{id}/disable", do: u.disableJob},
	}
}

// jobsView is a page of the list of jobs.
type jobsView struct {
	jobsFilter
	Rows     []jobRow
	Empty    *emptyList
	ReadOnly *emptyList
	Pager    pager
	Fresh    int // jobs that were made since Since
	Since    time.Time
	Write    bool
	Here     string // the address of this page
	Counted  bool   // else cells are asked for that are about jobs alone
}

func (u *UI) viewJobs(c *call) (any, error) {
	if c.cells != nil {
		return u.jobsCells(c)
	}
	q := c.pass()
	if q.Get("sort") == "" {
		q.Set("sort", defaultSort)
	}
	if q.Get("limit") == "" {
		q.Set("limit", jobsLimit)
	}
	list, err := u.api.ListJobs(c.Context(), c.who, q)
	if err != nil {
		return nil, err
	}
	v := &jobsView{Since: c.now, Write: c.mayWrite(), Here: c.here(), Counted: true}
	if !v.Write {
		v.ReadOnly = readOnly()
	}
	if v.jobsFilter, err = u.jobsFilterOf(c); err != nil {
		return nil, err
	}
	v.Total = list.Total.Count
	for _, j := range list.Jobs {
		v.Rows = append(v.Rows, v.row(c, j))
	}
	v.Pager = c.pager(list.Next, why.Number(len(v.Rows))+" of "+why.Count(v.Total, "job"))
	if len(v.Rows) == 0 {
		v.Empty = v.none()
	}
	return v, nil
}

// none says why there are no rows.
func (v *jobsView) none() *emptyList {
	switch {
	case v.After:
		return &emptyList{Kind: "match", Text: "There are no more jobs behind that place.", Links: []link{{v.Pager.First, "First page"}}}
	case v.Filtered && v.Jobs > 0:
		return noMatch(v.Jobs, "jobs", "/jobs")
	case v.Filtered:
		return noMatch(0, "jobs", "/jobs")
	}
	text := "No jobs yet. A job starts a flow: by the clock, or for each file that lands in a folder."
	if !v.Write {
		return noneYet(text)
	}
	return noneYet(text+" Make one, or import a crontab with “spool import crontab”.", link{"/jobs/new", "New job"})
}

// row shows a job in this list.
func (v *jobsView) row(c *call, j v2.Job) jobRow {
	return jobRow{Job: j, Write: v.Write, Here: v.Here, Owned: j.Username != c.who.Owner, now: c.now}
}

// jobsCells shows what the events since have changed: the rows that are asked for, and what is
// counted.
func (u *UI) jobsCells(c *call) (any, error) {
	v := &jobsView{Write: c.mayWrite(), Here: c.here(), Counted: c.wants("all")}
	if v.Counted {
		v.Since, _ = time.Parse(time.RFC3339Nano, c.r.Header.Get(headerSince))
		var err error
		if v.jobsFilter, err = u.jobsFilterOf(c); err != nil {
			return nil, err
		}
		v.Total = v.Matching
		if !v.Since.IsZero() {
			if v.Fresh, err = u.api.NewJobs(c.who, c.pass(), v.Since); err != nil {
				return nil, err
			}
		}
	}
	ids := slices.DeleteFunc(slices.Clone(c.cells), func(id string) bool { return len(id) != len("00000000-0000-0000-0000-000000000000") })
	if len(ids) == 0 {
		return v, nil
	}
	jobs, gone, err := u.api.JobsByID(c.Context(), c.who, ids)
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		v.Rows = append(v.Rows, v.row(c, j))
	}
	for id, ev := range gone {
		v.Rows = append(v.Rows, jobRow{Job: v2.Job{ID: id, Name: ev.Job.Name, Username: ev.Job.Username}, Gone: &ev, now: c.now})
	}
	return v, nil
}

// headerSince is the time up to which a page knows what there is.
const headerSince = "Spool-Since"

// here is the address of a page, without what an action told there.
func (c *call) here() string { return c.with("did", "") }

// with is the address of a page with another value in its query; an empty one takes it out.
func (c *call) with(pairs ...string) string {
	q := url.Values{}
	for key, values := range c.query {
		if strings.Join(values, "") != "" {
			q[key] = values
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return c.path
	}
	return c.path + "?" + q.Encode()
}
