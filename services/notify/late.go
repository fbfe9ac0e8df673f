package notify

import (
	"context"
	"fmt"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/schedule"
)

const (
	lookBehind = 25 * time.Hour // older slots and deadlines are not looked up
	settling   = time.Minute    // a file that came in time may enter the ledger so much later
)

// due returns the last time of a schedule in (since, until], or the zero time.
func due(s *schedule.Schedule, since, until time.Time) (last time.Time) {
	if from := until.Add(-lookBehind); since.Before(from) {
		since = from
	}
	for slot := range s.Slots(since, until) {
		last = slot.Time
	}
	return last
}

// lateness returns whether a job is late to start; the state is "" if nothing is due. Answers that can no longer change
// are kept in o.answered.
func (o *observer) lateness(ctx context.Context, w *watched, old events.Notification, now time.Time) (events.Notification, error) {
	if w.p.Spooled {
		return o.arrival(ctx, w, old, now)
	}
	limit := w.p.Options.LateAfter
	if limit < 0 {
		limit = events.LateAfter
	}
	slot := due(w.p.Slots, w.EffectiveFrom, now.Add(-limit))
	if slot.IsZero() || o.answered[w.ID] >= slot.Unix() && old.Well() {
		return events.Notification{}, nil
	}
	n := events.Notification{About: events.AboutStart, State: events.Recovered, Slot: slot}
	started, err := o.slotStarted(ctx, w.ID, slot)
	if err != nil {
		return n, err
	}
	if started {
		o.answered[w.ID] = slot.Unix()
		return n, nil
	}
	n.State = events.Late
	n.Message = fmt.Sprintf("the run of the slot %s has not started %s after it", slot.In(w.p.Zone).Format("2006-01-02 15:04 MST"), limit)
	return n, nil
}

// slotStarted reports whether the run of a slot, or of a newer one, has started, has failed to start, or will not
// start.
func (o *observer) slotStarted(ctx context.Context, jobID string, slot time.Time) (bool, error) {
	minute := events.MinuteOf(slot)
	var last *events.Result
	err := o.bus.Results(jobID).Sure().Since(ctx, slot.Add(-2*time.Minute), func(m jet.Entry[events.Result]) bool {
		if r, err := m.Value(); err == nil && r.Kind == events.KindCron && r.Minute >= minute {
			last = &r
		}
		return last == nil
	})
	if err != nil {
		return false, err
	}
	if last != nil {
		if last.Status == events.ERROR || !o.ends || !events.IsToken(last.FlowJobID) {
			return true, nil
		}
		ev, seq, err := o.bus.LastRunEvent(ctx, jobID, last.FlowJobID)
		return err == nil && seq > 0 && ev.Phase != events.Accepted, err
	}
	judged := false
	err = o.bus.Verdicts(jobID).Sure().Since(ctx, slot.Add(-2*time.Minute), func(m jet.Entry[events.Verdict]) bool {
		v, err := m.Value()
		judged = err == nil && v.From <= minute && minute <= v.To
		return !judged
	})
	return judged, err
}

// arrival returns whether the files that a folder is to receive are late.
func (o *observer) arrival(ctx context.Context, w *watched, old events.Notification, now time.Time) (events.Notification, error) {
	e, zone := w.p.Options.Expect, w.p.Zone
	if e.Files == 0 {
		return events.Notification{}, nil
	}
	deadlines, err := e.Deadlines(zone)
	if err != nil {
		return events.Notification{}, err
	}
	by := due(deadlines, w.EffectiveFrom, now.Add(-settling))
	if by.IsZero() || o.answered[w.ID] >= by.Unix() && old.Well() {
		return events.Notification{}, nil
	}
	y, month, day := by.In(zone).Date()
	morning := time.Date(y, month, day, 0, 0, 0, 0, zone)
	until := by.Add(settling)
	if old.State == events.Late && old.Slot.Equal(by) {
		until = now // better late than never
	}
	came := 0
	err = o.bus.EachSeen(ctx, w.ID, morning, func(s events.SeenEntry) bool {
		if !s.Ignored && !s.At.After(until) {
			came++
		}
		return came < e.Files
	})
	n := events.Notification{About: events.AboutStart, State: events.Recovered, Slot: by}
	switch {
	case err != nil:
		return n, err
	case came >= e.Files:
		o.answered[w.ID] = by.Unix()
		return n, nil
	}
	n.State = events.Late
	n.Message = fmt.Sprintf("%d of %d files had come into %s by %s", came, e.Files, w.p.InputDir, by.In(zone).Format("2006-01-02 15:04 MST"))
	return n, nil
}
