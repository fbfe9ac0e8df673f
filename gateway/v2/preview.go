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

// previewSlot is one slot, in UTC and in the zone that was asked for.
type previewSlot struct {
	UTC   time.Time     `json:"utc"`
	Local string        `json:"local"`
	Mark  schedule.Mark `json:"mark,omitzero"`
}

// preview is what a schedule means.
type preview struct {
	Description string             `json:"description"`
	Timezone    string             `json:"timezone"`
	Next        []previewSlot      `json:"next"`
	Warnings    []string           `json:"warnings"`
	Details     []schedule.Warning `json:"warning_details"` // the same, for programs
	Compare     *comparison        `json:"compare,omitempty"`
}

// comparison is the next runs of two schedules together.
type comparison struct {
	Description string        `json:"description"` // of the schedule that is compared with
	Timezone    string        `json:"timezone"`
	Until       time.Time     `json:"until"`
	Kept        []previewSlot `json:"kept"`
	Added       []previewSlot `json:"added"`
	Removed     []previewSlot `json:"removed"`
}

func (a *API) preview(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "schedule", "timezone", "count", "from", "compare")
	if err != nil {
		return err
	}
	count, from := in.Number("count", nextRuns, 1, maxPreview), time.Now()
	if text := in.Text("from"); text != "" {
		if from, err = wire.ParseTime(text); err != nil {
			in.Fail("from", "%s", err.Error())
		}
	}
	s := a.scheduleIn(in, "")
	var old *schedule.Schedule
	if given := in.Object("compare"); given != nil {
		for _, m := range given {
			if m.Key != "schedule" && m.Key != "timezone" {
				return wire.UnknownKey("compare.", m.Key, spelling.Nearest(m.Key, []string{"schedule", "timezone"}))
			}
		}
		with := events.NewFields(given)
		if old = a.scheduleIn(with, "compare."); with.Err() != nil {
			return with.Err()
		}
	}
	if in.Err() != nil {
		return in.Err()
	}
	answer := preview{
		Description: s.Describe(), Timezone: s.Location().String(), Next: []previewSlot{},
		Warnings: append([]string{}, s.Warnings(from)...), Details: append([]schedule.Warning{}, s.WarningDetails(from)...),
	}
	for slot := range coming(s, from, count) {
		answer.Next = append(answer.Next, shownSlot(slot, s))
	}
	if old != nil {
		answer.Compare = compare(old, s, from, count)
	}
	wire.Write(w, http.StatusOK, answer)
	return nil
}

// scheduleIn reads a schedule and its zone out of a body; nil after a fault. below is
// what the names of the fields begin with.
func (a *API) scheduleIn(in *events.Fields, below string) *schedule.Schedule {
	zone, text := a.Zone, in.Text("schedule")
	if name := in.Text("timezone"); name != "" {
		var err error
		if zone, err = schedule.LoadLocation(name); err != nil {
			in.Fail(below+"timezone", "%s", err.Error())
			return nil
		}
	}
	if text == "" {
		in.Fail(below+"schedule", "is required: five fields like 30 2 * * *, or a macro like @daily")
		return nil
	}
	s, err := schedule.ParseAny(text, zone)
	if err != nil {
		in.Fail(below+"schedule", "%s", err.Error())
		return nil
	}
	return s
}

func shownSlot(slot schedule.Slot, s *schedule.Schedule) previewSlot {
	return previewSlot{slot.Time, slot.Time.In(s.Location()).Format(time.RFC3339), slot.Mark}
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
func compare(old, fresh *schedule.Schedule, from time.Time, n int) *comparison {
	c := &comparison{
		Description: old.Describe(), Timezone: old.Location().String(), Until: from.UTC(),
		Kept: []previewSlot{}, Added: []previewSlot{}, Removed: []previewSlot{},
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
