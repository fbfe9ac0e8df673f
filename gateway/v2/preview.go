package v2

import (
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/events/spelling"
	"spool.internal/gateway/wire"
)

// maxPreview is how many slots a preview shows at most.
const maxPreview = 100

// PreviewSlot is one slot, in UTC and in the zone that was asked for.
type PreviewSlot struct {
	UTC   time.Time     `json:"utc"`
	Local string        `json:"local"`
	Mark  schedule.Mark `json:"mark,omitzero"`
}

// Preview is what a schedule means.
type Preview struct {
	Description string             `json:"description"`
	Timezone    string             `json:"timezone"`
	Next        []PreviewSlot      `json:"next"`
	Warnings    []string           `json:"warnings"`
	Details     []schedule.Warning `json:"warning_details"` // the same, for programs
	Compare     *Comparison        `json:"compare,omitempty"`
}

// Comparison is the next runs of two schedules together.
type Comparison struct {
	Description string        `json:"description"` // of the schedule that is compared with
	Timezone    string        `json:"timezone"`
	Until       time.Time     `json:"until"`
	Kept        []PreviewSlot `json:"kept"`
	Added       []PreviewSlot `json:"added"`
	Removed     []PreviewSlot `json:"removed"`
}

// PreviewRequest asks what a schedule means.
type PreviewRequest struct {
	ScheduleText
	Compare *ScheduleText // nil: with nothing
	Count   int           // 0: five
	From    time.Time     // zero: now
}

// ScheduleText is a schedule as somebody writes it, and its zone; "" is that of the server.
type ScheduleText struct{ Schedule, Timezone string }

func (a *API) preview(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "schedule", "timezone", "count", "from", "compare")
	if err != nil {
		return err
	}
	ask := PreviewRequest{Count: in.Number("count", nextRuns, 1, maxPreview)}
	if text := in.Text("from"); text != "" {
		if ask.From, err = wire.ParseTime(text); err != nil {
			in.Fail("from", "%s", err.Error())
		}
	}
	ask.ScheduleText = ScheduleText{in.Text("schedule"), in.Text("timezone")}
	if given := in.Object("compare"); given != nil {
		for _, m := range given {
			if m.Key != "schedule" && m.Key != "timezone" {
				return wire.UnknownKey("compare.", m.Key, spelling.Nearest(m.Key, []string{"schedule", "timezone"}))
			}
		}
		with := events.NewFields(given)
		ask.Compare = &ScheduleText{with.Text("schedule"), with.Text("timezone")}
		if with.Err() != nil {
			return with.Err()
		}
	}
	if in.Err() != nil {
		return in.Err()
	}
	answer, err := a.Preview(ask)
	if err == nil {
		wire.Write(w, http.StatusOK, answer)
	}
	return err
}

// Preview says what a schedule means: in words, by its next slots, and beside another.
func (a *API) Preview(ask PreviewRequest) (p Preview, err error) {
	if ask.Count == 0 {
		ask.Count = nextRuns
	}
	if ask.From.IsZero() {
		ask.From = time.Now()
	}
	var old *schedule.Schedule
	if ask.Compare != nil {
		if old, err = a.scheduleOf(*ask.Compare, "compare."); err != nil {
			return p, err
		}
	}
	s, err := a.scheduleOf(ask.ScheduleText, "")
	if err != nil {
		return p, err
	}
	p = Preview{
		Description: s.Describe(), Timezone: s.Location().String(), Next: []PreviewSlot{},
		Warnings: append([]string{}, s.Warnings(ask.From)...), Details: append([]schedule.Warning{}, s.WarningDetails(ask.From)...),
	}
	for slot := range coming(s, ask.From, ask.Count) {
		p.Next = append(p.Next, shownSlot(slot, s))
	}
	if old != nil {
		p.Compare = compare(old, s, ask.From, ask.Count)
	}
	return p, nil
}

// scheduleOf reads a schedule and its zone. below is what the names of the fields begin with.
func (a *API) scheduleOf(t ScheduleText, below string) (*schedule.Schedule, error) {
	zone := a.Zone
	if t.Timezone != "" {
		var err error
		if zone, err = schedule.LoadLocation(t.Timezone); err != nil {
			return nil, events.Faultf(events.Invalid, below+"timezone", "%s", err.Error())
		}
	}
	if t.Schedule == "" {
		return nil, events.Faultf(events.Invalid, below+"schedule", "is required: five fields like 30 2 * * *, or a macro like @daily")
	}
	s, err := schedule.ParseAny(t.Schedule, zone)
	if err != nil {
		return nil, events.Faultf(events.Invalid, below+"schedule", "%s", err.Error())
	}
	return s, nil
}

func shownSlot(slot schedule.Slot, s *schedule.Schedule) PreviewSlot {
	return PreviewSlot{slot.Time, slot.Time.In(s.Location()).Format(time.RFC3339), slot.Mark}
}

// coming yields the first n slots after a time, fewer when there are no more.
func coming(s *schedule.Schedule, after time.Time, n int) func(yield func(schedule.Slot) bool) {
	return func(yield func(schedule.Slot) bool) {
		for range n {
			next := s.Next(after)
			if next.IsZero() {
				return
			}
			for slot := range s.Slots(after, next) {
				if !yield(slot) {
					return
				}
			}
			after = next
		}
	}
}

// compare tells which of the next n runs of two schedules stay, come and go. A run
// that both have is one.
func compare(old, fresh *schedule.Schedule, from time.Time, n int) *Comparison {
	c := &Comparison{
		Description: old.Describe(), Timezone: old.Location().String(), Until: from.UTC(),
		Kept: []PreviewSlot{}, Added: []PreviewSlot{}, Removed: []PreviewSlot{},
	}
	before, after := slicesOf(old, from, n), slicesOf(fresh, from, n)
	for range n {
		switch {
		case len(before)+len(after) == 0:
			return c
		case len(after) == 0, len(before) > 0 && before[0].Time.Before(after[0].Time):
			c.Removed, c.Until, before = append(c.Removed, shownSlot(before[0], old)), before[0].Time, before[1:]
		case len(before) == 0, after[0].Time.Before(before[0].Time):
			c.Added, c.Until, after = append(c.Added, shownSlot(after[0], fresh)), after[0].Time, after[1:]
		default:
			c.Kept, c.Until = append(c.Kept, shownSlot(after[0], fresh)), after[0].Time
			before, after = before[1:], after[1:]
		}
	}
	return c
}

func slicesOf(s *schedule.Schedule, from time.Time, n int) (all []schedule.Slot) {
	for slot := range coming(s, from, n) {
		all = append(all, slot)
	}
	return all
}

// LastSlot is the last slot of a schedule in (after, until].
func (a *API) LastSlot(t ScheduleText, after, until time.Time) (time.Time, bool) {
	s, err := a.scheduleOf(t, "")
	if err != nil {
		return time.Time{}, false
	}
	slot, ok := s.Prev(until, after)
	return slot.In(s.Location()), ok
}
