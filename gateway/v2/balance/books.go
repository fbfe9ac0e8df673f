package balance

import (
	"context"
	"encoding/json"
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
func (b Books) Timeline(ctx context.Context, jobID string) (slots.Timeline, error) {
	var history []slots.Event
	err := b.Bus.Since(ctx, events.StreamJobs, events.JobSubject(jobID), time.Time{}, func(m jet.Stored) bool {
		ev := slots.Event{JobRevision: jet.JobRevision{Seq: m.Sequence}, Stored: m.Time}
		if json.Unmarshal(m.Data, &ev.Event) == nil { // else it is of another version
			history = append(history, ev)
		}
		return true
	})
	return slots.NewTimeline(history, b.Zone), err
}

// Facts reads what is recorded of the slots of a page, after the clock was read.
func (b Books) Facts(ctx context.Context, p slots.Page, f *slots.Facts) error {
	owed, err := b.Bus.Backlog(ctx, f.JobID)
	if err != nil {
		return err
	}
	f.Owed = owed.Owed
	since := minute(p.After).Add(earliestTrigger)
	fired := func(id string, minute int64, stored time.Time, done bool) {
		f.Triggers = append(f.Triggers, slots.Trigger{ID: id, Minute: minute, Stored: stored, Done: done})
	}
	err = b.Bus.Since(ctx, events.StreamTriggers, events.TriggerSubject(events.KindCron, f.JobID), since, func(m jet.Stored) bool {
		var t events.Trigger
		if json.Unmarshal(m.Data, &t) == nil && t.Minute > p.After && t.Minute <= p.To {
			fired(t.ID, t.Minute, m.Time, false)
		}
		return m.Time.Before(minute(p.To).Add(latestTrigger))
	})
	if err != nil {
		return err
	}
	err = b.Bus.Since(ctx, events.StreamResults, events.ResultSubject(f.JobID), since, func(m jet.Stored) bool {
		var r events.Result
		if json.Unmarshal(m.Data, &r) == nil && r.Kind == events.KindCron && r.Minute > p.After && r.Minute <= p.To {
			fired(r.TriggerID, r.Minute, r.TriggeredAt, true)
		}
		return m.Time.Before(minute(p.To).Add(latestResult))
	})
	if err != nil {
		return err
	}
	kept := 0
	var oldest time.Time
	judge := func(m jet.Stored) bool {
		var v events.Verdict
		if json.Unmarshal(m.Data, &v) != nil || v.To <= p.After || v.From > p.To {
			return true
		}
		if !strings.HasPrefix(v.TriggerID, events.FileTriggerID(f.JobID, "")) { // else it is about a file
			f.Verdicts = append(f.Verdicts, v)
		}
		return true
	}
	if err = b.Bus.Since(ctx, events.StreamTriggers, events.VerdictSubject(f.JobID), time.Time{}, judge); err != nil {
		return err
	}
	err = b.Bus.Since(ctx, events.StreamSlots, events.SlotSubject(f.JobID), time.Time{}, func(m jet.Stored) bool {
		if kept++; kept == 1 {
			oldest = m.Time
		}
		return judge(m)
	})
	if kept >= jet.VerdictsPerJob { // older ones made room for newer ones
		f.Since = oldest.Unix() / 60
	}
	return err
}

func minute(n int64) time.Time { return time.Unix(n*60, 0).UTC() }
