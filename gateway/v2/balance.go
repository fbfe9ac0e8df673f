package v2

import (
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v2/balance"
	"spool.internal/gateway/wire"
)

type balancePage struct {
	Day    string                 `json:"day"`
	From   time.Time              `json:"from"`
	To     time.Time              `json:"to"`
	Zone   string                 `json:"timezone"`
	Totals map[string]balance.Sum `json:"totals"` // of the jobs on this page
	Jobs   []balance.Job          `json:"jobs"`   // those with something to account for
	Next   string                 `json:"next_page_token,omitempty"`
}

func (a *API) books() balance.Books { return balance.Books{Bus: a.Bus, Zone: a.Zone} }

// day reads the day that is asked for; today unless it is said.
func (a *API) day(q *wire.Query, now time.Time) balance.Day {
	name := q.Text("day")
	if name == "" {
		name = now.In(a.Zone).Format(time.DateOnly)
	}
	d, err := a.books().DayOf(name)
	if err != nil {
		q.FailWith(err)
	} else if d.From.After(now) {
		q.Fail("day", "has not come yet: name today, or an earlier day")
	}
	return d
}

// balance accounts for every slot and file of a day.
func (a *API) balance(w http.ResponseWriter, r *http.Request) error {
	q, now := wire.ReadQuery(r, "day", "username", "job_id", "limit", "page_token"), time.Now()
	d := a.day(q, now)
	limit := q.Limit(wire.DefaultLimit)
	created, id := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	page := balancePage{Day: d.Name, From: d.From.UTC(), To: d.To.UTC(), Zone: a.Zone.String(), Jobs: []balance.Job{}}
	add := func(j events.Job) error {
		b, err := a.books().Job(r.Context(), j, d, now)
		if err == nil && !b.Empty() {
			page.Jobs = append(page.Jobs, b)
		}
		return err
	}
	who := a.Caller(r)
	if only := q.Text("job_id"); only != "" {
		rev, err := a.Changes.Find(r.Context(), who, only)
		if err == nil {
			err = add(rev.Event.Job)
		}
		if err != nil {
			return err
		}
	} else {
		owner, err := who.OwnerFor(q.Text("username"))
		if err != nil {
			return err
		}
		if err := a.Jobs.Refresh(r.Context()); err != nil {
			return err
		}
		var last events.Job
		looked := 0
		for j := range a.Jobs.Oldest(owner, int64(created), id) {
			if looked++; looked > limit {
				page.Next = wire.PageToken(last.CreatedOnNS, last.ID)
				break
			}
			if err := add(j); err != nil {
				return err
			}
			last = j
		}
	}
	page.Totals = balance.Totals(page.Jobs)
	wire.Write(w, http.StatusOK, page)
	return nil
}

type entryPage struct {
	Entries []balance.Entry `json:"entries"`
	Next    string          `json:"next_page_token,omitempty"`
}

// balanceEntries lists what a number of a balance counts.
func (a *API) balanceEntries(w http.ResponseWriter, r *http.Request) error {
	q, now := wire.ReadQuery(r, "day", "job_id", "of", "is", "limit", "page_token"), time.Now()
	d := a.day(q, now)
	of, is, id := q.OneOf("of", balance.Groups...), q.Text("is"), q.Text("job_id")
	if id == "" {
		q.Fail("job_id", "is required: the id of the job whose entries are listed")
	}
	limit := q.Limit(wire.DefaultLimit)
	skip, _ := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	if _, err := a.Changes.Find(r.Context(), a.Caller(r), id); err != nil {
		return err
	}
	entries, _, err := a.books().Of(r.Context(), id, d, now)
	if err != nil {
		return err
	}
	page := entryPage{Entries: []balance.Entry{}}
	matched := uint64(0)
	for _, e := range entries {
		if of != "" && of != e.Of || is != "" && is != e.Is {
			continue
		}
		if matched++; matched <= skip {
			continue
		}
		if len(page.Entries) == limit {
			page.Next = wire.PageToken(matched-1, "")
			break
		}
		page.Entries = append(page.Entries, e)
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}
