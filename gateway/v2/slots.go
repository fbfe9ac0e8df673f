package v2

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/v2/slots"
)

// slotsBack is how far slots are shown unless it is said.
const slotsBack = 24 * time.Hour

// How far behind a slot its trigger is stored, and its result. A trigger comes
// before its slot where the clocks of machines differ, and within the catch-up
// window; a call is repeated for a week at most.
const (
	earliestTrigger = -2 * time.Minute
	latestTrigger   = 25 * time.Hour
	latestResult    = latestTrigger + 8*24*time.Hour
)

type slotPage struct {
	Slots     []slots.Entry `json:"slots"`
	KnownFrom time.Time     `json:"known_from"` // of earlier slots, only what is recorded is shown
	Next      string        `json:"next_page_token,omitempty"`
}

func (a *API) listSlots(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r, "from", "to", "limit", "page_token")
	now := time.Now()
	to := q.time("to", now)
	from := q.time("from", to.Add(-slotsBack))
	if to.Before(from) {
		q.fail("to", "is before from")
	}
	limit := q.limit(defaultLimit)
	told, _ := q.after()
	if q.err != nil {
		return q.err
	}
	if to.After(now) {
		to = now // what has not come has not become anything
	}
	ctx, id := r.Context(), jobID(r)
	if _, err := a.Changes.Find(ctx, a.who(r), id); err != nil {
		return err
	}
	// Facts are read in the order in which they come about, so that what moves on
	// meanwhile is seen in the next place.
	clock, _, err := a.Bus.Clock(ctx)
	if err != nil {
		return err
	}
	timeline, err := a.timeline(ctx, id)
	if err != nil {
		return err
	}
	first := from.Add(-time.Nanosecond).Unix() / 60 // from is inclusive
	p := timeline.Page(max(first, int64(min(told, 1<<40))), to.Unix()/60, told == 0)
	f := slots.Facts{JobID: id, Clock: clock}
	if err := a.collect(ctx, p, &f); err != nil {
		return err
	}
	page := slotPage{KnownFrom: minute(max(timeline.Since(), f.Since))}
	var next int64
	if page.Slots, next = p.Tell(f, limit); next > 0 {
		page.Next = pageToken(uint64(next), "")
	}
	write(w, http.StatusOK, page)
	return nil
}

// timeline reads what a job was.
func (a *API) timeline(ctx context.Context, id string) (slots.Timeline, error) {
	var history []slots.Event
	err := a.Bus.Since(ctx, events.StreamJobs, events.JobSubject(id), time.Time{}, func(m jet.Stored) bool {
		ev := slots.Event{JobRevision: jet.JobRevision{Seq: m.Sequence}, Stored: m.Time}
		if json.Unmarshal(m.Data, &ev.Event) == nil { // else it is of another version
			history = append(history, ev)
		}
		return true
	})
	return slots.NewTimeline(history, a.Zone), err
}

// collect reads what is recorded of the slots of a page.
func (a *API) collect(ctx context.Context, p slots.Page, f *slots.Facts) error {
	owed, err := a.Bus.Backlog(ctx, f.JobID)
	if err != nil {
		return err
	}
	f.Owed = owed.Owed
	since := minute(p.After).Add(earliestTrigger)
	fired := func(id string, minute int64, stored time.Time, done bool) {
		f.Triggers = append(f.Triggers, slots.Trigger{ID: id, Minute: minute, Stored: stored, Done: done})
	}
	err = a.Bus.Since(ctx, events.StreamTriggers, events.TriggerSubject(events.KindCron, f.JobID), since, func(m jet.Stored) bool {
		var t events.Trigger
		if json.Unmarshal(m.Data, &t) == nil && t.Minute > p.After && t.Minute <= p.To {
			fired(t.ID, t.Minute, m.Time, false)
		}
		return m.Time.Before(minute(p.To).Add(latestTrigger))
	})
	if err != nil {
		return err
	}
	err = a.Bus.Since(ctx, events.StreamResults, events.ResultSubject(f.JobID), since, func(m jet.Stored) bool {
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
		if !strings.HasPrefix(v.TriggerID, events.FileTriggerID(f.JobID, "")) { // else findFile tells of it
			f.Verdicts = append(f.Verdicts, v)
		}
		return true
	}
	if err = a.Bus.Since(ctx, events.StreamTriggers, events.VerdictSubject(f.JobID), time.Time{}, judge); err != nil {
		return err
	}
	err = a.Bus.Since(ctx, events.StreamSlots, events.SlotSubject(f.JobID), time.Time{}, func(m jet.Stored) bool {
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
