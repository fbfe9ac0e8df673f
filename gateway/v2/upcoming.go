package v2

import (
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

// How far slots to come are shown: unless it is said, and at most.
const (
	upcomingFor  = 24 * time.Hour
	upcomingMost = 366 * 24 * time.Hour
)

// UpcomingPage is one page of slots to come.
type UpcomingPage struct {
	Upcoming []UpcomingSlot `json:"upcoming"`
	Next     string         `json:"next_page_token,omitempty"`
}

// UpcomingSlot is one slot to come of a job.
type UpcomingSlot struct {
	jobName
	Slot        time.Time `json:"slot"`
	Schedule    string    `json:"schedule"`
	Timezone    string    `json:"timezone"`
	Description string    `json:"description"`
	UsualMS     *int64    `json:"usual_ms,omitempty"` // the median of how long the last runs took that ended ok
}

func (a *API) listUpcoming(w http.ResponseWriter, r *http.Request) error {
	values, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.ListUpcoming(r.Context(), a.Caller(r), values)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// ListUpcoming gives one page of the slots to come in a window, the soonest first.
func (a *API) ListUpcoming(ctx context.Context, who change.Caller, values url.Values) (UpcomingPage, error) {
	asked, err := a.window(ctx, who, values)
	if err != nil {
		return UpcomingPage{}, err
	}
	if err := a.Jobs.Refresh(ctx); err != nil {
		return UpcomingPage{}, err
	}
	slots, more := a.Index.Upcoming(asked, time.Now())
	page := UpcomingPage{Upcoming: []UpcomingSlot{}}
	for _, s := range slots {
		if name, ok := a.nameOf(s.JobID); ok { // else it was deleted this moment
			page.Upcoming = append(page.Upcoming, UpcomingSlot{name, s.At, s.Schedule, s.Timezone, s.Description, milliseconds(s.Usual)})
		}
	}
	if more {
		last := slots[len(slots)-1]
		page.Next = wire.PageToken(int64(events.MinuteOf(last.At)), last.JobID+" "+asked.To.Format(time.RFC3339Nano))
	}
	return page, nil
}

// window reads which slots are meant.
func (a *API) window(ctx context.Context, who change.Caller, values url.Values) (index.Window, error) {
	q := wire.ReadValues(values, "from", "to", "job_id", "q", "username", "limit", "page_token")
	now := time.Now()
	from := q.Time("from", now)
	if from.Before(now) {
		from = now // what has come is no more to come
	}
	minute, place := q.After()
	id, end, _ := strings.Cut(place, " ")
	until := from.Add(upcomingFor)
	if t, err := wire.ParseTime(end); err == nil {
		until = t // the pages of one list are of one window, although each is asked for a little later
	}
	to := q.Time("to", until)
	switch {
	case to.Before(from) && q.Text("from") == "":
		q.Fail("to", "has passed: slots to come are after now")
	case to.Before(from):
		q.Fail("to", "is before from, or before now: exchange them, or leave one out")
	case to.Sub(from) > upcomingMost:
		q.Fail("to", "is more than 366 days after from: ask for a shorter time")
	}
	asked := index.Window{
		Filter: index.Filter{Text: q.Text("q")}, JobID: strings.ToLower(q.Text("job_id")), From: from, To: to, Limit: q.Limit(wire.DefaultLimit),
	}
	asked.After = index.SlotPlace{Minute: events.Minute(minute), JobID: id}
	if q.Err() != nil {
		return asked, q.Err()
	}
	var err error
	if asked.Owner, err = who.OwnerFor(q.Text("username")); err != nil || asked.JobID == "" {
		return asked, err
	}
	asked.Owner = ""
	_, err = a.Changes.Find(ctx, who, asked.JobID)
	return asked, err
}
