package v2

import (
	"context"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/sorting"
)

// Condition is the state of a job in one respect, as it was notified.
type Condition struct {
	About       string           `json:"about"`
	State       events.Condition `json:"state"`
	Before      events.Condition `json:"before,omitzero"`
	Since       time.Time        `json:"since"`
	Message     string           `json:"message,omitzero"`
	TriggerID   string           `json:"trigger_id,omitzero"`
	FlowJobID   string           `json:"flow_job_id,omitzero"`
	File        string           `json:"file,omitzero"`
	Slot        time.Time        `json:"slot,omitzero"` // or deadline
	Undelivered []Undelivered    `json:"undelivered,omitempty"`
}

// stateChannels are the ways in which states are notified.
var stateChannels = []events.Channel{events.ChannelWebhook, events.ChannelEmail}

// conditions reads the states that a job and its URLs are or were in; none where nothing was ever wrong.
func (a *API) conditions(ctx context.Context, job events.Job) ([]Condition, error) {
	jobID := job.ID
	var states jet.View[events.Notification]
	var undeliverable jet.View[events.Undeliverable]
	for _, about := range events.Respects {
		states = states.And(a.Bus.Notifications(jobID, about))
	}
	keys := map[string]string{}
	for pointer, about := range events.AboutURL {
		states = states.And(a.Bus.Notifications(jobID, about))
		keys[about] = job.URLKey(pointer)
	}
	all := []Condition{}
	err := states.LastEach(ctx, func(m jet.Entry[events.Notification]) {
		n, err := m.Value()
		if err != nil {
			return // it is of another version
		}
		if n.Of != "" && n.Of != keys[n.About] {
			return // of a URL that the job has no more
		}
		all = append(all, Condition{
			About: n.About, State: n.State, Before: n.Before, Since: n.At.UTC(), Message: n.Message,
			TriggerID: n.TriggerID, FlowJobID: n.FlowJobID, File: n.File, Slot: n.Slot,
		})
		for _, channel := range stateChannels {
			undeliverable = undeliverable.And(a.Bus.NotificationUndelivered(jobID, n.About, m.Sequence, channel))
		}
	})
	if err != nil {
		return all, err
	}
	err = undeliverable.LastEach(ctx, func(m jet.Entry[events.Undeliverable]) {
		u, err := m.Value()
		if err != nil {
			return
		}
		for i := range all {
			if all[i].About == u.About {
				all[i].Undelivered = append(all[i].Undelivered, Undelivered{u.Channel, u.At.UTC(), u.Message})
			}
		}
	})
	sorting.By(all, func(a, b Condition) int { return strings.Compare(a.About, b.About) })
	return all, err
}
