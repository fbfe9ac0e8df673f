package v2

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// onTime is how late the trigger of a slot may be stored without having been caught up.
const onTime = time.Minute

// slotsBack is how far slots are shown unless it is said.
const slotsBack = 24 * time.Hour

// slotRange is what became of one slot, or of several in a row.
type slotRange struct {
	From       time.Time `json:"from"` // the first
	To         time.Time `json:"to"`   // the last
	Verdict    string    `json:"verdict"`
	Reason     string    `json:"reason,omitzero"`
	TriggerID  string    `json:"trigger_id,omitzero"`   // when there was one
	LatenessMS *int64    `json:"lateness_ms,omitempty"` // fired, caught_up: when the trigger was stored, behind the slot
}

func (a *API) listSlots(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r, "from", "to")
	to := q.time("to", time.Now())
	from := q.time("from", to.Add(-slotsBack))
	if to.Before(from) {
		q.fail("to", "is before from")
	}
	if q.err != nil {
		return q.err
	}
	id := jobID(r)
	if _, err := a.Changes.Find(r.Context(), a.who(r), id); err != nil {
		return err
	}
	var page struct {
		Slots []slotRange `json:"slots"`
	}
	page.Slots = []slotRange{}
	show := func(s slotRange) {
		if !s.To.Before(from) && !s.From.After(to) {
			page.Slots = append(page.Slots, s)
		}
	}
	err := a.Bus.Since(r.Context(), events.StreamSlots, events.SlotSubject(id), time.Time{}, func(m jet.Stored) bool {
		var v events.Verdict
		if json.Unmarshal(m.Data, &v) == nil && !strings.HasPrefix(v.TriggerID, events.FileTriggerID(id, "")) {
			show(slotRange{From: minute(v.From), To: minute(v.To), Verdict: v.Verdict, Reason: v.Reason, TriggerID: v.TriggerID})
		}
		return true
	})
	if err != nil {
		return err
	}
	seen := map[string]bool{} // the first result of a trigger tells when it was queued first
	err = a.Bus.Since(r.Context(), events.StreamResults, events.ResultSubject(id), from, func(m jet.Stored) bool {
		var res events.Result
		if json.Unmarshal(m.Data, &res) == nil && res.Kind == events.KindCron && !seen[res.TriggerID] {
			seen[res.TriggerID] = true
			show(fired(res))
		}
		return true
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(page.Slots, func(a, b slotRange) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Verdict, b.Verdict))
	})
	write(w, http.StatusOK, page)
	return nil
}

// fired tells of a slot by its result.
func fired(r events.Result) slotRange {
	slot := slotOf(r)
	late := r.TriggeredAt.Sub(slot)
	s := slotRange{From: slot, To: slot, Verdict: "fired", TriggerID: r.TriggerID, LatenessMS: new(late.Milliseconds())}
	if late > onTime {
		s.Verdict = "caught_up"
	}
	return s
}
