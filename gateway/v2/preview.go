package v2

import (
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/wire"
)

// maxPreview is how many slots a preview shows at most.
const maxPreview = 100

// previewSlot is one slot, in UTC and in the zone that was asked for.
type previewSlot struct {
	UTC   time.Time `json:"utc"`
	Local string    `json:"local"`
}

func (a *API) preview(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "schedule", "timezone", "count", "from")
	if err != nil {
		return err
	}
	count, from, zone := in.Number("count", nextRuns, 1, maxPreview), time.Now(), a.Zone
	if text := in.Text("from"); text != "" {
		if from, err = wire.ParseTime(text); err != nil {
			in.Fail("from", "%s", err.Error())
		}
	}
	if text := in.Text("timezone"); text != "" {
		if zone, err = schedule.LoadLocation(text); err != nil {
			in.Fail("timezone", "%s", err.Error())
		}
	}
	text := in.Text("schedule")
	if text == "" {
		in.Fail("schedule", "is required: five fields like 30 2 * * *, or a macro like @daily")
	}
	if in.Err() != nil {
		return in.Err()
	}
	s, err := schedule.ParseAny(text, zone)
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
	wire.Write(w, http.StatusOK, answer)
	return nil
}
