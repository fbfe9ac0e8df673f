package v2

import (
	"net/http"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v2/slots"
	"spool.internal/gateway/wire"
)

// slotsBack is how far slots are shown unless it is said.
const slotsBack = 24 * time.Hour

type slotPage struct {
	Slots     []slots.Entry `json:"slots"`
	KnownFrom time.Time     `json:"known_from"` // of earlier slots, only what is recorded is shown
	Next      string        `json:"next_page_token,omitempty"`
}

func (a *API) listSlots(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "from", "to", "verdict", "limit", "page_token")
	verdict := events.Ruling(q.OneOf("verdict", slots.Verdicts...))
	now := time.Now()
	to := q.Time("to", now)
	from := q.Time("from", to.Add(-slotsBack))
	if to.Before(from) {
		q.Fail("to", "is before from: exchange them, or leave one out")
	}
	limit := q.Limit(wire.DefaultLimit)
	told, _ := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	if to.After(now) {
		to = now // what has not come has not become anything
	}
	ctx, id := r.Context(), jobID(r)
	if _, err := a.Changes.Find(ctx, a.Caller(r), id); err != nil {
		return err
	}
	// Facts are read in the order in which they come about, so that a trigger that moves
	// on meanwhile is seen in the next place.
	clock, _, err := a.Bus.Clock(ctx)
	if err != nil {
		return err
	}
	timeline, err := a.books().Timeline(ctx, id)
	if err != nil {
		return err
	}
	first := events.MinuteOf(from.Add(-time.Nanosecond)) // from is inclusive
	p := slots.PageOf(timeline, max(first, events.Minute(min(told, 1<<40))), events.MinuteOf(to), told == 0)
	f := slots.Facts{JobID: id, Clock: clock}
	if err := a.books().Facts(ctx, p, &f); err != nil {
		return err
	}
	page := slotPage{KnownFrom: max(timeline.Since(), f.Since).Time()}
	var next events.Minute
	if page.Slots, next = p.Tell(f, limit); next > 0 {
		page.Next = wire.PageToken(next, "")
	}
	if verdict != "" {
		page.Slots = slices.DeleteFunc(page.Slots, func(e slots.Entry) bool { return e.Verdict != verdict })
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}
