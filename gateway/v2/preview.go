package v2

import (
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// maxPreview is how many slots a preview shows at most.
const maxPreview = 100

// previewSlot is one slot, as a clock in Greenwich and one on the spot show it.
type previewSlot struct {
	UTC   time.Time `json:"utc"`
	Local string    `json:"local"`
}

func (a *API) preview(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Schedule string `json:"schedule"`
		Timezone string `json:"timezone"`
		Count    *int   `json:"count"`
		From     string `json:"from"`
	}
	if err := decode(r, &body, false); err != nil {
		return err
	}
	count, from, zone := nextRuns, time.Now(), a.Zone
	if body.Count != nil {
		count = *body.Count
	}
	if count < 1 || count > maxPreview {
		return events.Faultf(events.Invalid, "count", "must be a whole number from 1 to %d", maxPreview)
	}
	var err error
	if body.From != "" {
		if from, err = parseTime(body.From); err != nil {
			return events.Faultf(events.Invalid, "from", "%s", err.Error())
		}
	}
	if body.Timezone != "" {
		if zone, err = schedule.LoadLocation(body.Timezone); err != nil {
			return events.Faultf(events.Invalid, "timezone", "%s", err.Error())
		}
	}
	if body.Schedule == "" {
		return events.Faultf(events.Invalid, "schedule", "is required")
	}
	s, err := schedule.Parse(body.Schedule, zone)
	if err != nil {
		return events.Faultf(events.Invalid, "schedule", "%s", err.Error())
	}
	answer := struct {
		Description string        `json:"description"`
		Timezone    string        `json:"timezone"`
		Next        []previewSlot `json:"next"`
		Warnings    []string      `json:"warnings"`
	}{s.Describe(), zone.String(), []previewSlot{}, append([]string{}, s.Warnings(from)...)}
	for _, slot := range next(s, from, count) {
		answer.Next = append(answer.Next, previewSlot{slot, slot.In(zone).Format(time.RFC3339)})
	}
	write(w, http.StatusOK, answer)
	return nil
}
