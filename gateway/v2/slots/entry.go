package slots

import (
	"cmp"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/events/sorting"
	"spool.internal/events/why"
)

// Entry is what became of one slot, or of several in a row.
type Entry struct {
	From       time.Time     `json:"from"`           // the first
	To         time.Time     `json:"to"`             // the last
	Slots      int           `json:"slots,omitzero"` // how many; 0 = that is not known
	Verdict    events.Ruling `json:"verdict"`
	Mark       schedule.Mark `json:"mark,omitzero"` // of one slot
	Reason     string        `json:"reason,omitzero"`
	TriggerID  string        `json:"trigger_id,omitzero"`   // of one slot
	LatenessMS *int64        `json:"lateness_ms,omitempty"` // when its trigger was stored, behind the slot
}

// Verdicts beside those of package events and the marks of package schedule: see package why.
const (
	Fired    = why.Fired
	CaughtUp = why.CaughtUp
	Queued   = why.Queued
	Pending  = why.Pending
)

// Verdicts lists all of them.
var Verdicts = []string{
	string(Fired), string(CaughtUp), string(Queued), string(Pending), string(events.VerdictSuperseded), string(events.VerdictSkipped), string(events.VerdictMissed),
	string(events.VerdictDisabled), string(events.VerdictShadow), string(why.Gap), string(why.Fold),
}

// Facts is what the streams hold about the slots of a [Page].
type Facts struct {
	JobID    string
	Clock    events.Clock
	Owed     []events.Stretch // the job's backlog
	Triggers []Trigger        // of cron; more than one of a slot is fine
	Verdicts []events.Verdict // the same one twice is fine
	Since    events.Minute    // verdicts on slots up to this minute may be gone
}

// Trigger is a trigger of a slot.
type Trigger struct {
	ID     string
	Minute events.Minute // the slot
	Stored time.Time
	Done   bool // it has a result
	Paused bool // it waits until its job is enabled
}

// Tell says what became of the slots of a page, oldest first. next is the minute to
// go on after, or 0 when this is the end. There are more entries than limit only
// when they all begin in one minute.
func (p Page) Tell(f Facts, limit int) (entries []Entry, next events.Minute) {
	b := newBook(f)
	alone := p.alone(b)
	entries = []Entry{}
	merge := false // into the last entry
	for _, pt := range p.points {
		for len(alone) > 0 && events.MinuteOf(alone[0].From) <= pt.minute {
			entries, alone, merge = append(entries, alone[0]), alone[1:], false
		}
		e, ok := b.slot(pt)
		switch n := len(entries); {
		case !ok:
		case merge && e.Mark == "" && entries[n-1].Mark == "" && e.TriggerID == "" && entries[n-1].TriggerID == "" && entries[n-1].Verdict == e.Verdict && entries[n-1].Reason == e.Reason:
			entries[n-1].To = e.To
			entries[n-1].Slots++
		default:
			entries, merge = append(entries, e), true
		}
	}
	entries = append(entries, alone...)
	if p.More {
		next = p.To
	}
	if len(entries) <= limit {
		return entries, next
	}
	// What begins in one minute stays on one page: the next one begins after a minute.
	reach := func(n int) events.Minute { // the minute that n entries go to
		e := entries[n-1]
		if e.Slots > 0 {
			return events.MinuteOf(e.To)
		}
		return max(events.MinuteOf(e.From), p.After)
	}
	whole := func(n int) bool { return n == len(entries) || events.MinuteOf(entries[n].From) > reach(n) }
	n := limit
	for n > 0 && !whole(n) {
		n--
	}
	if n == 0 {
		for n = limit; !whole(n); n++ {
		}
	}
	if n == len(entries) {
		return entries, next
	}
	return entries[:n], reach(n)
}

// alone gives the entries that are not about known slots of the job, by when they begin.
func (p Page) alone(b *book) []Entry {
	list := slices.Clone(p.clocks)
	for _, t := range b.fired {
		if t.Minute > p.After && t.Minute <= p.To && !p.has(t.Minute) {
			e := b.trigger(t)
			e.Slots = 0 // it is none of the job's
			list = append(list, e)
		}
	}
	told := map[string]bool{}
	for _, v := range b.Verdicts {
		if !told[v.ID()] && p.foreign(b, v) {
			list = append(list, Entry{From: v.From.Time(), To: v.To.Time(), Verdict: v.Verdict, Reason: v.Reason, TriggerID: v.TriggerID})
		}
		told[v.ID()] = true
	}
	sorting.By(list, func(a, b Entry) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.TriggerID, b.TriggerID))
	})
	return list
}

// foreign reports whether a verdict is told on this page without being about known
// slots: it is about another trigger than a slot's, or older than what is known of
// the job, or the default zone was another then.
func (p Page) foreign(b *book, v events.Verdict) bool {
	begins := v.From > p.After && v.From <= p.To
	ends := p.first && v.From <= p.After && v.To > p.After
	switch {
	case v.TriggerID != "" && v.TriggerID != events.CronTriggerID(b.JobID, v.From):
		return begins || ends
	case begins:
		return !p.has(v.From)
	case ends && v.To <= p.To:
		return !p.has(v.To)
	}
	return false
}
