package v2

import (
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// How far slots to come are shown: unless it is said, and at most.
const (
	upcomingFor  = 24 * time.Hour
	upcomingMost = 366 * 24 * time.Hour
)

type upcomingPage struct {
	Upcoming []upcomingSlot `json:"upcoming"`
	Next     string         `json:"next_page_token,omitempty"`
}

type upcomingSlot struct {
	jobName
	Slot        time.Time `json:"slot"`
	Schedule    string    `json:"schedule"`
	Timezone    string    `json:"timezone"`
	Description string    `json:"description"`
	UsualMS     *int64    `json:"usual_ms,omitempty"`
}

func (a *API) listUpcoming(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "from", "to", "job_id", "q", "username", "limit", "page_token")
	now := time.Now()
	from := q.Time("from", now)
	if from.Before(now) {
		from = now // what has come is no more to come
	}
	to := q.Time("to", from.Add(upcomingFor))
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
	minute, id := q.After()
	asked.After = index.SlotPlace{Minute: events.Minute(minute), JobID: id}
	if q.Err() != nil {
		return q.Err()
	}
	var err error
	if asked.Owner, err = a.Caller(r).OwnerFor(q.Text("username")); err != nil {
		return err
	}
	if asked.JobID != "" {
		if _, err := a.Changes.Find(r.Context(), a.Caller(r), asked.JobID); err != nil {
			return err
		}
		asked.Owner = ""
	}
	if err := a.Jobs.Refresh(r.Context()); err != nil {
		return err
	}
	slots, more := a.Index.Upcoming(asked, now)
	page := upcomingPage{Upcoming: []upcomingSlot{}}
	for _, s := range slots {
		if name, ok := a.nameOf(s.JobID); ok { // else it was deleted this moment
			page.Upcoming = append(page.Upcoming, upcomingSlot{name, s.At, s.Schedule, s.Timezone, s.Description, milliseconds(s.Usual)})
		}
	}
	if more {
		last := slots[len(slots)-1]
		page.Next = wire.PageToken(int64(events.MinuteOf(last.At)), last.JobID)
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}
