package v2

import (
	"context"
	"net/url"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v2/slots"
	"spool.internal/gateway/wire"
)

// ToldSlot is what became of a slot, or of several in a row, and why.
type ToldSlot struct {
	slots.Entry
	why.Answer // of the last of several
}

// ToldSlots is what became of the last slots of a job, newest first.
type ToldSlots struct {
	Slots     []ToldSlot
	Zone      *time.Location // of the job
	KnownFrom time.Time
	Earlier   time.Time // where to go on, as to; zero: there is no more
}

// Bounds on the slots that are looked at to find those that are told.
const (
	slotsAtOnce = 1_000
	slotsInAll  = 20_000
)

// TellSlots says what became of the last slots of a job that came up to a time and have a
// verdict, and why: as [API.ListSlots] and [API.ExplainJob] do, in one go and backwards.
func (a *API) TellSlots(ctx context.Context, who change.Caller, id string, values url.Values) (told ToldSlots, err error) {
	q, now := wire.ReadValues(values, "from", "to", "verdict", "limit"), time.Now()
	verdict := events.Ruling(q.OneOf("verdict", slots.Verdicts...))
	to := q.Time("to", now)
	from := q.Time("from", to.Add(-year))
	if to.Before(from) {
		q.Fail("to", "is before from: exchange them, or leave one out")
	}
	limit := q.Limit(wire.DefaultLimit)
	if q.Err() != nil {
		return told, q.Err()
	}
	rev, err := a.Changes.Find(ctx, who, id)
	if err != nil {
		return told, err
	}
	x := a.explain(who, rev.Event.Job)
	told.Zone = x.at.Zone
	first := events.MinuteOf(from.Add(-time.Nanosecond)) // from is inclusive
	b, err := x.slotBook(ctx, first, events.MinuteOf(earlier(to, now)))
	if err != nil {
		return told, err
	}
	told.KnownFrom = max(b.timeline.Since(), b.facts.Since).Time()
	entries, earlier := b.back(first, func(e slots.Entry) bool { return verdict == "" || e.Verdict == verdict }, limit)
	told.Earlier = earlier
	for _, e := range entries {
		answer, err := x.tell(ctx, b, events.MinuteOf(e.To))
		if err != nil {
			return told, err
		}
		told.Slots = append(told.Slots, ToldSlot{e, answer})
	}
	return told, nil
}

// back gives the newest entries after a minute that are wanted, newest first; earlier is
// the end of what was not looked at.
func (b *slotBook) back(first events.Minute, wanted func(slots.Entry) bool, limit int) (list []slots.Entry, earlier time.Time) {
	to, looked, width := b.page.To, 0, events.Minute(1<<16)
	for to > first && looked < slotsInAll {
		after, n := b.stretch(first, to, width)
		looked += n
		width = 2 * (to - after)
		p := slots.PageOf(b.timeline, after, to, after == first)
		entries, _ := p.Tell(b.facts, p.Slots()+slotsInAll)
		for _, e := range slices.Backward(entries) {
			if !wanted(e) {
				continue
			}
			if n := len(list); n >= limit && e.To.Before(list[n-1].From) { // what is in one minute stays together
				return list, list[n-1].From.Add(-time.Minute)
			}
			list = append(list, e)
		}
		to = after
	}
	if to > first {
		earlier = to.Time()
	}
	return list, earlier
}

// stretch gives the minute after which there are not too many slots up to another one, at
// most so many minutes before that.
func (b *slotBook) stretch(first, to, width events.Minute) (after events.Minute, n int) {
	after = max(first, to-width)
	for {
		n = slots.PageOf(b.timeline, after, to, false).Slots()
		if n <= slotsAtOnce || after >= to-1 {
			return after, n
		}
		after = to - max((to-after)/2, 1)
	}
}
