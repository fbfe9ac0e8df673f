package v2

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// jobFilterKeys are what jobs are chosen by, in a query.
var jobFilterKeys = []string{
	"status", "state", "mode", "last_result", "q", "tag", "key", "managed_by", "had", "failed_since", "next_before", "username",
}

// jobFilter reads which jobs a caller means: of those that it may see.
func jobFilter(who change.Caller, q *wire.Query) (index.Filter, error) {
	f := index.Filter{
		Status:      events.JobStatus(q.OneOf("status", string(events.Enabled), string(events.Disabled))),
		State:       q.OneOf("state", index.States...),
		Mode:        q.OneOf("mode", index.ModeCron, index.ModeAutomatic),
		LastResult:  q.OneOf("last_result", string(events.OK), string(events.ERROR), "none"),
		Text:        q.Text("q"),
		Tag:         q.Text("tag"),
		Key:         q.Text("key"),
		ManagedBy:   q.Text("managed_by"),
		Had:         events.Ruling(q.OneOf("had", index.Verdicts()...)),
		FailedSince: q.Time("failed_since", time.Time{}),
		NextBefore:  q.Time("next_before", time.Time{}),
	}
	if q.Err() != nil {
		return f, q.Err()
	}
	var err error
	f.Owner, err = who.OwnerFor(q.Text("username"))
	return f, err
}

// total is how many there are on all pages.
type total struct {
	Count int  `json:"count"`
	Exact bool `json:"exact"`
}

// JobPage is one page of a list of jobs.
type JobPage struct {
	Jobs      []Job     `json:"jobs"`
	Total     total     `json:"total"`
	KnownFrom time.Time `json:"known_from"` // what ended before may not be known
	Next      string    `json:"next_page_token,omitempty"`
}

func (a *API) listJobs(w http.ResponseWriter, r *http.Request) error {
	values, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.ListJobs(r.Context(), a.Caller(r), values)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// ListJobs gives one page of the jobs that a query means.
func (a *API) ListJobs(ctx context.Context, who change.Caller, values url.Values) (JobPage, error) {
	q := wire.ReadValues(values, append([]string{"sort", "limit", "page_token"}, jobFilterKeys...)...)
	f, err := jobFilter(who, q)
	p := index.Page{Filter: f, Limit: q.Limit(wire.DefaultLimit)}
	order := readOrder(q, &p)
	if err := cmp.Or(q.Err(), err); err != nil {
		return JobPage{}, err
	}
	if err := a.Jobs.Refresh(ctx); err != nil {
		return JobPage{}, err
	}
	now := time.Now()
	rows, count, more := a.Index.List(p, now)
	page := JobPage{Total: total{count, true}, KnownFrom: a.Index.KnownFrom(now)}
	if more {
		page.Next = orderedToken(order, rows[len(rows)-1].Place)
	}
	var jobs []events.Job
	kept := rows[:0]
	for _, row := range rows {
		if j, ok := a.Jobs.Job(row.JobID); ok { // else it was deleted this moment
			jobs, kept = append(jobs, j), append(kept, row)
		}
	}
	page.Jobs, err = a.rows(ctx, who, jobs, kept)
	return page, err
}

// readOrder reads in which order jobs are listed, and behind which place.
func readOrder(q *wire.Query, p *index.Page) (order string) {
	var orders []string
	for _, by := range index.Orders {
		orders = append(orders, by, "-"+by)
	}
	order = cmp.Or(q.OneOf("sort", orders...), index.ByCreated)
	p.By = strings.TrimPrefix(order, "-")
	p.Reverse = p.By != order
	token := q.Text("page_token")
	if token == "" {
		return order
	}
	number, rest, ok := wire.ParsePageToken(token)
	of, rest, whole := strings.Cut(rest, " ")
	id, text, _ := strings.Cut(rest, " ")
	switch {
	case !ok || !whole:
		q.Fail("page_token", "is not a next_page_token of this call: leave it out to begin with the first page")
	case of != order:
		q.Fail("page_token", "is of a list with sort="+of+": keep that, or leave the token out")
	}
	p.After = &index.Place{Number: number, Text: text, JobID: id}
	return order
}

// orderedToken names a place in an order.
func orderedToken(order string, p index.Place) string {
	return wire.PageToken(p.Number, order+" "+p.JobID+" "+p.Text)
}

// filterPath is the request that lists what a filter means.
func filterPath(call string, username string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(Prefix + call)
	if username != "" {
		pairs = append(pairs, "username", username)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(map[bool]string{true: "?", false: "&"}[i == 0])
		b.WriteString(pairs[i] + "=" + escape(pairs[i+1]))
	}
	return b.String()
}

// milliseconds is a duration as the API shows it.
func milliseconds(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	return new(d.Milliseconds())
}
