package v2

import (
	"context"
	"net/url"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v2/slots"
	"spool.internal/gateway/wire"
)

// slotsBack is how far slots are shown unless it is said.
const slotsBack = 24 * time.Hour

// SlotPage is what became of the slots of a job, oldest first.
type SlotPage struct {
	Slots     []slots.Entry `json:"slots"`
	KnownFrom time.Time     `json:"known_from"` // of earlier slots, only what is recorded is shown
	Next      string        `json:"next_page_token,omitempty"`
}

// ListSlots says what became of the slots of a job.
func (a *API) ListSlots(ctx context.Context, who change.Caller, id string, values url.Values) (page SlotPage, err error) {
	q := wire.ReadValues(values, "from", "to", "verdict", "limit", "page_token")
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
		return page, q.Err()
	}
	if to.After(now) {
		to = now // what has not come has not become anything
	}
	if _, err := a.Changes.Find(ctx, who, id); err != nil {
		return page, err
	}
	// Facts are read in the order in which they come about, so that a trigger that moves
	// on meanwhile is seen in the next place.
	clock, _, err := a.Bus.Clock(ctx)
	if err != nil {
		return page, err
	}
	timeline, err := a.books().Timeline(ctx, id)
	if err != nil {
		return page, err
	}
	first := events.MinuteOf(from.Add(-time.Nanosecond)) // from is inclusive
	p := slots.PageOf(timeline, max(first, events.Minute(min(told, 1<<40))), events.MinuteOf(to), told == 0)
	f := slots.Facts{JobID: id, Clock: clock}
	if err := a.books().Facts(ctx, p, &f); err != nil {
		return page, err
	}
	page.KnownFrom = max(timeline.Since(), f.Since).Time()
	var next events.Minute
	if page.Slots, next = p.Tell(f, limit); next > 0 {
		page.Next = wire.PageToken(next, "")
	}
	if verdict != "" {
		page.Slots = slices.DeleteFunc(page.Slots, func(e slots.Entry) bool { return e.Verdict != verdict })
	}
	return page, nil
}
