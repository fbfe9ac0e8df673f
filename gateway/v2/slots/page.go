// Package slots says what became of every slot of a job.
//
//	page := slots.PageOf(timeline, after, to, true)
//	entries, next := page.Tell(facts, limit)
//
// Nothing is stored for a slot that simply fired. So the slots are computed from the
// job's history, and what became of most of them from how far cron's clock has come.
// The package does no I/O; the caller reads the facts.
//
// # Guarantees
//
//   - A slot has one entry. What is recorded comes before what is concluded: a
//     result, a verdict, a queued trigger, a backlog. A slot of a committed minute of
//     which nothing is recorded fired.
//   - Where facts are read in the order in which they come about (clock, backlog,
//     queues, and then results and verdicts), a slot on its way is never missed.
//   - Slots up to [events.Timeline.Since] are not known; of them, what is recorded is told.
//   - Work is bounded: a [Page] holds at most 10,000 slots.
package slots

import (
	"slices"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// maxSlots bounds what one request looks at.
const maxSlots = 10_000

// Page is a stretch of time with its slots, before [Page.Tell] says what became of them.
type Page struct {
	After, To events.Minute // minutes since 1970: (After, To]
	More      bool          // more slots may follow

	first  bool // nothing has been told yet of what began before
	points []point
	clocks []Entry // changes of clocks that left slots out
}

// Slots is how many slots the page holds.
func (p Page) Slots() int { return len(p.points) }

// point is one slot.
type point struct {
	minute events.Minute
	mark   schedule.Mark
	*events.Period
}

// PageOf finds the slots in (after, to], or the oldest of them when there are too
// many. first says that no page came before it.
func PageOf(t events.Timeline, after, to events.Minute, first bool) Page {
	p := Page{After: after, To: to, first: first}
	for r, own := range t.In(after, to) {
		if r.Times == nil {
			continue
		}
		from, until := own[0].Time(), own[1].Time()
		for slot := range r.Times.Slots(from, until) {
			p.points = append(p.points, point{events.MinuteOf(slot.Time), slot.Mark, r})
			if len(p.points) == maxSlots {
				until = slot.Time
				p.To = events.MinuteOf(until)
				p.More = p.To < to
				break
			}
		}
		if r.Active() {
			for c := range r.Times.Changes(from, until) {
				if c.Mark != "" {
					p.clocks = append(p.clocks, Entry{From: c.From, To: c.To, Verdict: events.Ruling(c.Mark), Reason: c.Text})
				}
			}
		}
		if len(p.points) == maxSlots {
			break
		}
	}
	return p
}

// has reports whether a minute is a slot.
func (p Page) has(minute events.Minute) bool {
	_, found := slices.BinarySearchFunc(p.points, minute, func(p point, m events.Minute) int { return int(p.minute - m) })
	return found
}
