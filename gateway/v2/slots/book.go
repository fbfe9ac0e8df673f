package slots

import (
	"slices"

	"spool.internal/events"
)

// book finds what is recorded of a slot.
type book struct {
	Facts
	fired  map[events.Minute]Trigger        // by slot
	single map[events.Minute]events.Verdict // the newest on one slot
	ranges []events.Verdict                 // those on several
}

func newBook(f Facts) *book {
	b := &book{Facts: f, fired: map[events.Minute]Trigger{}, single: map[events.Minute]events.Verdict{}}
	for _, t := range f.Triggers {
		if old, ok := b.fired[t.Minute]; ok {
			t.Done = t.Done || old.Done
			if old.Stored.Before(t.Stored) { // it was queued again since
				t.Stored = old.Stored
			}
		}
		b.fired[t.Minute] = t
	}
	for _, v := range f.Verdicts {
		switch old, ok := b.single[v.From]; {
		case v.From < v.To:
			b.ranges = append(b.ranges, v)
		case v.About(v.From) && (!ok || old.At.Before(v.At)):
			b.single[v.From] = v
		}
	}
	return b
}

// On gives the newest verdict on a slot.
func (f Facts) On(minute events.Minute) (events.Verdict, bool) { return newBook(f).verdict(minute) }

// slot says what became of one slot; ok is false when that cannot be known.
func (b *book) slot(p point) (e Entry, ok bool) {
	e = Entry{From: p.minute.Time(), To: p.minute.Time(), Slots: 1, Mark: p.mark}
	t, triggered := b.fired[p.minute]
	if triggered && t.Done {
		e = b.trigger(t)
		e.Mark = p.mark
		return e, true
	}
	v, judged := b.verdict(p.minute)
	switch {
	case judged:
		e.Verdict, e.Reason, e.TriggerID = v.Verdict, v.Reason, v.TriggerID
	case triggered:
		e = b.trigger(t)
		e.Mark = p.mark
	case !p.Active():
		e.Verdict = events.VerdictDisabled
	case b.owed(p.minute):
		e.Verdict, e.Reason = Pending, events.WhyBacklog
	case p.minute > b.Clock.Answered(b.JobID):
		e.Verdict, e.Reason = Pending, events.WhyUncommitted
	case p.minute <= p.Raced || p.minute <= b.Since:
		return e, false
	case p.Seq > b.Clock.JobsSeq:
		e.Verdict, e.Reason = Pending, events.WhyUnread
	case p.Shadow:
		e.Verdict = events.VerdictShadow
	default:
		e.Verdict, e.Reason = Fired, events.WhyNoResult
	}
	return e, true
}

// trigger tells of a slot by its trigger.
func (b *book) trigger(t Trigger) Entry {
	slot := t.Minute.Time()
	e := Entry{From: slot, To: slot, Slots: 1, Verdict: Fired, TriggerID: t.ID, LatenessMS: new(t.Stored.Sub(slot).Milliseconds())}
	switch {
	case !t.Done && t.Paused:
		e.Verdict, e.Reason = Queued, events.WhyPaused
	case !t.Done:
		e.Verdict, e.Reason = Queued, events.WhyUncalled
	case events.CaughtUp(t.Minute, t.Stored):
		e.Verdict = CaughtUp
	}
	return e
}

// verdict gives the newest verdict on a slot.
func (b *book) verdict(minute events.Minute) (newest events.Verdict, ok bool) {
	newest, ok = b.single[minute]
	for _, v := range b.ranges {
		if v.From <= minute && minute <= v.To && (!ok || newest.At.Before(v.At)) {
			newest, ok = v, true
		}
	}
	return newest, ok
}

func (b *book) owed(minute events.Minute) bool {
	return slices.ContainsFunc(b.Owed, func(s events.Stretch) bool { return s.From <= minute && minute <= s.To })
}
