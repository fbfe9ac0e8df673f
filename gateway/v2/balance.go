package v2

import (
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v2/balance"
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
func (a *API) day(q *query, now time.Time) balance.Day {
	name := q.text("day")
	if name == "" {
		name = now.In(a.Zone).Format(time.DateOnly)
	}
	d, err := a.books().DayOf(name)
	if err != nil && q.err == nil {
		q.err = err
	} else if d.From.After(now) {
		q.fail("day", "has not come yet")
	}
	return d
}

// balance accounts for every slot and file of a day.
func (a *API) balance(w http.ResponseWriter, r *http.Request) error {
	q, now := readQuery(r, "day", "username", "job_id", "limit", "page_token"), time.Now()
	d := a.day(q, now)
	limit := q.limit(defaultLimit)
	created, id := q.after()
	if q.err != nil {
		return q.err
	}
	page := balancePage{Day: d.Name, From: d.From.UTC(), To: d.To.UTC(), Zone: a.Zone.String(), Jobs: []balance.Job{}}
	add := func(j events.Job) error {
		b, err := a.books().Job(r.Context(), j, d, now)
		if err == nil && !b.Empty() {
			page.Jobs = append(page.Jobs, b)
		}
		return err
	}
	who := a.who(r)
	if only := q.text("job_id"); only != "" {
		rev, err := a.Changes.Find(r.Context(), who, only)
		if err == nil {
			err = add(rev.Event.Job)
		}
		if err != nil {
			return err
		}
	} else {
		owner, err := who.OwnerFor(q.text("username"))
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
				page.Next = pageToken(uint64(last.CreatedOnNS), last.ID)
				break
			}
			if err := add(j); err != nil {
				return err
			}
			last = j
		}
	}
	page.Totals = balance.Totals(page.Jobs)
	write(w, http.StatusOK, page)
	return nil
}

type entryPage struct {
	Entries []balance.Entry `json:"entries"`
	Next    string          `json:"next_page_token,omitempty"`
}

// balanceEntries lists what a number of a balance counts.
func (a *API) balanceEntries(w http.ResponseWriter, r *http.Request) error {
	q, now := readQuery(r, "day", "job_id", "of", "is", "limit", "page_token"), time.Now()
	d := a.day(q, now)
	of, is, id := q.oneOf("of", balance.Groups...), q.text("is"), q.text("job_id")
	if id == "" {
		q.fail("job_id", "is required")
	}
	limit := q.limit(defaultLimit)
	skip, _ := q.after()
	if q.err != nil {
		return q.err
	}
	if _, err := a.Changes.Find(r.Context(), a.who(r), id); err != nil {
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
			page.Next = pageToken(matched-1, "")
			break
		}
		page.Entries = append(page.Entries, e)
	}
	write(w, http.StatusOK, page)
	return nil
}
