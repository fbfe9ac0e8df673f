package v2

import (
	"context"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/events/why"
	"spool.internal/gateway/v2/slots"
)

// year is how far the nearest slot is looked for.
const year = 366 * 24 * time.Hour

// slotBook is what is known about the slots of some minutes.
type slotBook struct {
	history  []events.JobChange
	timeline events.Timeline
	facts    slots.Facts
	page     slots.Page // only which minutes they are
}

// slot explains a minute.
func (x *explained) slot(ctx context.Context, minute events.Minute) (why.Answer, error) {
	b, err := x.slotBook(ctx, minute-1, minute)
	if err != nil {
		return why.Answer{}, err
	}
	return x.tell(ctx, b, minute)
}

// tell explains one minute of those that a book is about.
func (x *explained) tell(ctx context.Context, b *slotBook, minute events.Minute) (why.Answer, error) {
	f := x.facts()
	f.Slot = minute.Time()
	period, page := b.period(minute), slots.PageOf(b.timeline, minute-1, minute, true)
	var err error
	entries, _ := page.Tell(b.facts, 100)
	n := slices.IndexFunc(entries, func(e slots.Entry) bool { return e.Slots > 0 })
	if n < 0 {
		n = slices.IndexFunc(entries, func(e slots.Entry) bool { return e.Verdict != why.Gap && e.Verdict != why.Fold })
	}
	switch {
	case f.Slot.After(x.at.Now):
		x.toCome(&f)
	case n >= 0:
		e := entries[n]
		f.Verdict, f.Reason, f.TriggerID, f.Lateness, f.Mark, f.Kind = e.Verdict, e.Reason, e.TriggerID, e.LatenessMS, e.Mark, events.KindCron
		err = x.verdict(ctx, &f, b, period)
	default:
		x.noSlot(&f, b, period, page.Slots() > 0)
	}
	if f.Mark != "" {
		x.marked(&f, period)
	}
	return x.at.Slot(f), err
}

// slotBook reads what is known about the minutes in (after, to], in the order in which they come about, as ListSlots does.
func (x *explained) slotBook(ctx context.Context, after, to events.Minute) (*slotBook, error) {
	b := &slotBook{}
	clock, _, err := x.Bus.Clock(ctx)
	if err == nil {
		b.history, err = x.Bus.History(ctx, x.job.ID)
	}
	if err != nil {
		return nil, err
	}
	b.timeline = events.TimelineOf(b.history, x.Zone)
	b.page = slots.Page{After: after, To: to}
	b.facts = slots.Facts{JobID: x.job.ID, Clock: clock}
	return b, x.books().Facts(ctx, b.page, &b.facts)
}

// period is the one whose slot a minute would be; nil before the job is known.
func (b *slotBook) period(minute events.Minute) *events.Period {
	for p := range b.timeline.In(minute-1, minute) {
		return p
	}
	return nil
}

// change is the change that made a period, or the next one.
func (b *slotBook) change(p *events.Period, next bool) *events.JobChange {
	for i := range b.timeline {
		if p == nil || b.timeline[i].Seq != p.Seq {
			continue
		}
		seq := p.Seq
		if next && i+1 < len(b.timeline) {
			seq = b.timeline[i+1].Seq
		}
		for n := range b.history {
			if b.history[n].Seq == seq {
				return &b.history[n]
			}
		}
	}
	return nil
}

// verdict adds what a verdict on a slot is made of.
func (x *explained) verdict(ctx context.Context, f *why.Facts, b *slotBook, p *events.Period) error {
	v, recorded := b.facts.On(events.MinuteOf(f.Slot))
	if d := v.Down; recorded && d != nil {
		f.Down = &why.Span{From: d.From.UTC(), To: d.To.UTC()}
	}
	if p != nil {
		f.CatchUp = string(p.CatchUp)
	}
	switch f.Verdict {
	case why.Fired, why.CaughtUp:
		if f.TriggerID == "" {
			return nil
		}
		res, found, err := x.newest(ctx, f.TriggerID, f.Slot.Add(-2*time.Minute))
		if err != nil || !found {
			return err
		}
		return x.ran(ctx, f, res)
	case events.VerdictSuperseded:
		superseded(f, v, p)
	case events.VerdictSkipped:
		return x.blockedBy(ctx, f, v)
	case events.VerdictMissed:
		if c := b.change(p, true); c != nil && (f.Reason == events.WhyEdited || f.Reason == events.WhyDisabledFirst) {
			f.By, f.At = c.Event.By, c.Event.At.UTC()
		}
	case events.VerdictDisabled, events.VerdictShadow:
		if c := b.change(p, false); c != nil {
			disabledBy(f, c.Event)
		}
	case why.Queued:
		for _, t := range b.facts.Triggers {
			if t.ID == f.TriggerID {
				f.Triggered = t.Stored.UTC()
			}
		}
		return x.retrying(ctx, f, f.Triggered)
	case why.Pending:
		f.Answered = b.facts.Clock.Answered(x.job.ID).Time()
	}
	return nil
}

func superseded(f *why.Facts, v events.Verdict, p *events.Period) {
	f.RunInstead = v.Ran.Time()
	if v.Ran == 0 {
		f.RunInstead = time.Time{}
	}
	if p == nil || p.Times == nil {
		return
	}
	if v.Ran == 0 {
		f.RunInstead = p.Times.Next(max(v.To, events.MinuteOf(f.Slot)).Time())
	}
	if v.From < v.To || f.Reason == events.WhyNewerRan {
		f.Slots = p.Count(v.From, v.To) + 1
	}
}

// disabledBy adds who disabled a job.
func disabledBy(f *why.Facts, ev events.JobEvent) {
	f.By, f.At, f.Reason = ev.By, ev.At.UTC(), ev.Reason
	if d := ev.Job.Disabled; d != nil {
		f.By, f.At, f.Reason, f.Until = d.By, d.At.UTC(), d.Reason, d.Until.UTC()
	}
}

// toCome adds what is known of a minute that has not come.
func (x *explained) toCome(f *why.Facts) {
	switch {
	case x.watches():
		f.Kind = events.KindFile
	case x.plan == nil || x.plan.Slots == nil:
	case x.plan.Slots.Next(f.Slot.Add(-time.Minute)).Equal(f.Slot):
		if f.Next = f.Slot; x.job.Status == events.Disabled {
			if f.Verdict = events.VerdictDisabled; x.plan.Options.Shadow {
				f.Verdict = events.VerdictShadow
			}
			disabledBy(f, events.JobEvent{Job: x.job})
		}
	default:
		nearest(f, x.plan.Slots)
	}
}

// noSlot adds what is known of a minute that is none of the job's slots.
func (x *explained) noSlot(f *why.Facts, b *slotBook, p *events.Period, slot bool) {
	if x.watches() && (p == nil || p.Times == nil) {
		f.Kind = events.KindFile
		return
	}
	if known := b.timeline.Since().Time(); len(b.timeline) > 0 && !f.Slot.After(known) {
		f.KnownFrom = known.Add(time.Minute)
		return
	}
	if p == nil || p.Times == nil {
		f.Kind = events.KindFile
		return
	}
	if slot { // it is one, and passes may have gone by before they knew of a change
		f.Kind = events.KindCron
		return
	}
	nearest(f, p.Times)
	clocks(f, p.Times)
}

func nearest(f *why.Facts, s *schedule.Schedule) {
	if before, ok := s.Prev(f.Slot.Add(-time.Minute), f.Slot.Add(-year)); ok {
		f.Nearest = append(f.Nearest, before)
	}
	if after := s.Next(f.Slot); !after.IsZero() {
		f.Nearest = append(f.Nearest, after)
	}
}

// clocks finds out whether a minute is none because of a change of clocks.
func clocks(f *why.Facts, s *schedule.Schedule) {
	for c := range s.Changes(f.Slot.Add(-4*time.Hour), f.Slot.Add(4*time.Hour)) {
		switch wall := wallOf(f.Slot, s); {
		case c.Mark == schedule.Gap && !f.Slot.Before(c.From) && f.Slot.Before(c.From.Add(c.Shift)) && s.Names(wall.Add(-c.Shift)):
			f.Verdict, f.Wall = why.Gap, wall.Add(-c.Shift).Format("15:04")
			if s.Next(c.From.Add(-time.Minute)).Equal(c.From) {
				f.Ran = c.From
			}
		case c.Mark == schedule.Fold && !f.Slot.Before(c.From) && !f.Slot.After(c.To) && s.Names(wall):
			f.Verdict, f.Wall = why.Fold, wall.Format("15:04")
		}
	}
}

// marked adds the wall time that a slot with a mark stands for.
func (x *explained) marked(f *why.Facts, p *events.Period) {
	f.Wall = f.Slot.In(x.at.Zone).Format("15:04")
	if f.Mark != schedule.Gap || p == nil || p.Times == nil {
		return
	}
	f.Ran = f.Slot
	for c := range p.Times.Changes(f.Slot.Add(-time.Hour), f.Slot) {
		if c.From.Equal(f.Slot) {
			f.Wall = c.Wall.Format("15:04")
		}
	}
}

// wallOf is what a clock in the zone of a schedule shows, as if it were UTC.
func wallOf(t time.Time, s *schedule.Schedule) time.Time {
	t = t.In(s.Location())
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
