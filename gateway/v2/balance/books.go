package balance

import (
	"context"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/v2/slots"
)

// Books reads what the streams hold of jobs.
type Books struct {
	Bus  *jet.Bus
	Zone *time.Location // of jobs that name none, and of days
}

// How far behind a slot its trigger is stored, and its result. A trigger comes
// before its slot where the clocks of machines differ, and within the catch-up
// window; a call is repeated for a week at most.
const (
	earliestTrigger = -2 * time.Minute
	latestTrigger   = 25 * time.Hour
	latestResult    = latestTrigger + 8*24*time.Hour
)

// Timeline reads what a job was.
func (b Books) Timeline(ctx context.Context, jobID string) (events.Timeline, error) {
	history, err := b.Bus.History(ctx, jobID)
	return events.TimelineOf(history, b.Zone), err
}

// Facts reads what is recorded of the slots of a page, after the clock was read.
func (b Books) Facts(ctx context.Context, p slots.Page, f *slots.Facts) error {
	owed, err := b.Bus.Backlog(ctx, f.JobID)
	if err != nil {
		return err
	}
	f.Owed = owed.Owed
	since := p.After.Time().Add(earliestTrigger)
	if err := b.triggers(ctx, p, f, since); err != nil {
		return err
	}
	err = b.Bus.Results(f.JobID).Since(ctx, since, func(m jet.Entry[events.Result]) bool {
		if r, err := m.Value(); err == nil && r.Kind == events.KindCron && r.Minute > p.After && r.Minute <= p.To {
			f.Triggers = append(f.Triggers, slots.Trigger{ID: r.TriggerID, Minute: r.Minute, Stored: r.TriggeredAt, Done: true})
		}
		return m.Time.Before(p.To.Time().Add(latestResult))
	})
	if err != nil {
		return err
	}
	kept := 0
	var oldest time.Time
	judge := func(m jet.Entry[events.Verdict]) bool {
		v, err := m.Value()
		if err != nil || v.To <= p.After || v.From > p.To {
			return true
		}
		if !strings.HasPrefix(v.TriggerID, events.FileTriggerID(f.JobID, "")) { // else it is about a file
			f.Verdicts = append(f.Verdicts, v)
		}
		return true
	}
	if err = b.Bus.NewVerdicts(f.JobID).Since(ctx, time.Time{}, judge); err != nil {
		return err
	}
	err = b.Bus.Verdicts(f.JobID).Since(ctx, time.Time{}, func(m jet.Entry[events.Verdict]) bool {
		if kept++; kept == 1 {
			oldest = m.Time
		}
		return judge(m)
	})
	if kept >= jet.VerdictsPerJob { // older ones made room for newer ones
		f.Since = events.MinuteOf(oldest)
	}
	return err
}

// triggers reads those that have no result yet: in the queue, and beside it while
// their job is disabled.
func (b Books) triggers(ctx context.Context, p slots.Page, f *slots.Facts, since time.Time) error {
	read := func(m jet.Entry[events.Trigger], paused bool) {
		t, err := m.Value()
		if err != nil || t.Minute <= p.After || t.Minute > p.To {
			return
		}
		stored := m.Time
		if paused {
			stored = t.At
		}
		f.Triggers = append(f.Triggers, slots.Trigger{ID: t.ID, Minute: t.Minute, Stored: stored, Paused: paused})
	}
	// What is put aside is read before and after, so that a trigger on its way is seen.
	paused := func() error {
		return b.Bus.PausedTriggers(f.JobID).Since(ctx, since, func(m jet.Entry[events.Trigger]) bool {
			read(m, true)
			return true
		})
	}
	if err := paused(); err != nil {
		return err
	}
	err := b.Bus.Triggers(events.KindCron, f.JobID).Since(ctx, since, func(m jet.Entry[events.Trigger]) bool {
		read(m, false)
		return m.Time.Before(p.To.Time().Add(latestTrigger))
	})
	if err != nil {
		return err
	}
	return paused()
}
