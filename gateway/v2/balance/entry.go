package balance

import (
	"cmp"
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/gateway/v2/slots"
)

// What an entry is of.
const (
	Slots  = "slots"  // of the schedule
	Files  = "files"  // that came into the folder
	Manual = "manual" // started by hand
	Other  = "other"  // what fired and is no slot of the schedule, as it was another then
)

// Groups lists them.
var Groups = []string{Slots, Files, Manual, Other}

// What became of it, beside the verdicts on slots.
const (
	OK        = "ok"        // its run ended OK
	Failed    = "failed"    // its run ended ERROR, or its call was refused
	Cancelled = "cancelled" // its run was cancelled
	Dead      = "dead"      // it could not be called for, and is a dead letter
	Running   = "running"   // its run goes on
	Queued    = "queued"    // it waits for its call, or its run for a place
	Called    = "called"    // the call succeeded; how the run ended is not known
	Held      = "held"      // it is held back
	Ignored   = "ignored"   // it lay there, and was not to be run
	Gone      = "gone"      // it was triggered, and its result is not kept any more
	Unknown   = "unknown"   // nothing is known of it
)

// Entry is what became of one slot, file or execution, or of several slots.
type Entry struct {
	Of        string    `json:"of"`
	Is        string    `json:"is"`
	Count     int       `json:"count"`
	At        time.Time `json:"at"`          // the slot, or when the file was seen, or the trigger stored
	To        time.Time `json:"to,omitzero"` // the last of several slots
	TriggerID string    `json:"trigger_id,omitzero"`
	FlowJobID string    `json:"flow_job_id,omitzero"`
	File      string    `json:"file,omitzero"` // below the watched folder, where it is known
	Reason    string    `json:"reason,omitzero"`
}

// Day is a day of a zone, [From, To).
type Day struct {
	Name     string // 2006-01-02
	From, To time.Time
}

// DayOf reads the name of a day.
func (b Books) DayOf(name string) (Day, error) {
	d, err := time.ParseInLocation(time.DateOnly, name, b.Zone)
	if err != nil {
		return Day{}, events.Faultf(events.Invalid, "day", "%q is not a day like 2026-03-28", name)
	}
	return Day{name, d, time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, b.Zone)}, nil
}

func (d Day) has(t time.Time) bool { return !t.Before(d.From) && t.Before(d.To) }

// Of gives the entries of a day of a job, oldest first, and how many slots the day
// had so far.
func (b Books) Of(ctx context.Context, jobID string, d Day, now time.Time) (entries []Entry, slots int, err error) {
	clock, _, err := b.Bus.Clock(ctx)
	if err != nil {
		return nil, 0, err
	}
	told, slots, err := b.slots(ctx, jobID, clock, d, now)
	if err != nil {
		return nil, 0, err
	}
	r, err := b.ledger(ctx, jobID, d)
	if err != nil {
		return nil, 0, err
	}
	waiting, err := b.waiting(ctx, jobID, d)
	if err == nil {
		err = b.outcomes(ctx, r)
	}
	if err != nil {
		return nil, 0, err
	}
	entries = append(r.slots(told, slots), r.files(waiting.files)...)
	entries = append(entries, r.manual(waiting.manual)...)
	sortEntries(entries)
	return entries, slots, nil
}

func sortEntries(all []Entry) {
	sorting.Stably(all, func(a, b Entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.TriggerID, b.TriggerID)) })
}

// slots lists the slots of a day, and counts them.
func (b Books) slots(ctx context.Context, jobID string, clock events.Clock, d Day, now time.Time) (told []slots.Entry, n int, err error) {
	timeline, err := b.Timeline(ctx, jobID)
	if err != nil {
		return nil, 0, err
	}
	last := d.To.Add(-time.Nanosecond)
	if now.Before(last) {
		last = now
	}
	after, to := events.MinuteOf(d.From.Add(-time.Nanosecond)), events.MinuteOf(last)
	for first := true; after < to; first = false {
		p := slots.PageOf(timeline, after, to, first)
		f := slots.Facts{JobID: jobID, Clock: clock}
		if err := b.Facts(ctx, p, &f); err != nil {
			return nil, 0, err
		}
		entries, next := p.Tell(f, p.Slots()+maxTold)
		told, n = append(told, entries...), n+p.Slots()
		if next == 0 {
			break
		}
		after = next
	}
	return told, n, nil
}

// maxTold is more than there can be entries of a day that are no slots: verdicts and
// changes of clocks.
const maxTold = 1 << 20
