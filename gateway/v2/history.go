package v2

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// HistoryEntry is one change of a job.
type HistoryEntry struct {
	N       uint64        `json:"n"` // its sequence, which the ETag of the job after it names too
	Event   events.Change `json:"event"`
	By      string        `json:"by"`
	At      time.Time     `json:"at"`
	From    string        `json:"from"`
	Changed []string      `json:"changed"` // fields; empty too when what was before is not kept
	Changes []FieldChange `json:"changes"` // the same with their values
	Reason  string        `json:"reason,omitempty"`
	Until   time.Time     `json:"until,omitzero"`
	Bulk    string        `json:"bulk_id,omitempty"`
}

// HistoryPage is the changes of a job, newest first.
type HistoryPage struct {
	History []HistoryEntry `json:"history"`
	Next    string         `json:"next_page_token,omitempty"`
}

// HistoryDetails is a change with the job as it was after it.
type HistoryDetails struct {
	HistoryEntry
	Name       string           `json:"name"`
	Status     events.JobStatus `json:"status"`
	Parameters json.RawMessage  `json:"parameters"`
	Restore    events.Object    `json:"restore"` // the patch that makes the parameters what they were
}

func entryOf(m jet.Entry[events.JobEvent], ev events.JobEvent) HistoryEntry {
	e := HistoryEntry{
		N: m.Sequence, Event: ev.Event, By: ev.By, At: ev.At.UTC(), From: ev.From, Reason: ev.Reason, Bulk: ev.Bulk,
		Changed: []string{}, Changes: []FieldChange{},
	}
	if d := ev.Job.Disabled; d != nil && ev.Event == events.JobDisabled {
		e.Until = d.Until.UTC()
	}
	return e
}

// tell says what the change has changed.
func (e *HistoryEntry) tell(changes []FieldChange) {
	for _, c := range changes {
		e.Changed = append(e.Changed, c.Field)
	}
	e.Changes = changes
}

// ListHistory lists the changes of a job.
func (a *API) ListHistory(ctx context.Context, who change.Caller, id string, values url.Values) (HistoryPage, error) {
	page := HistoryPage{History: []HistoryEntry{}}
	q := wire.ReadValues(values, "limit", "page_token")
	limit := q.Limit(wire.DefaultLimit)
	before, _ := q.After()
	if q.Err() != nil {
		return page, q.Err()
	}
	if _, err := a.Changes.Find(ctx, who, id); err != nil {
		return page, err
	}
	var newer events.JobEvent // the event after the one that is read
	err := a.Bus.JobEvents(id).Newest(ctx, before, func(m jet.Entry[events.JobEvent]) bool {
		ev, err := m.Value()
		if err != nil {
			return true // of another version
		}
		n := len(page.History)
		if n > 0 {
			page.History[n-1].tell(a.changes(who, ev.Job, newer.Job))
		}
		if n == limit {
			page.Next = wire.PageToken(page.History[n-1].N, "")
			return false
		}
		page.History = append(page.History, entryOf(m, ev))
		newer = ev
		return true
	})
	return page, err
}

// GetHistoryEntry shows the change n of a job whole, so that it can be restored.
func (a *API) GetHistoryEntry(ctx context.Context, who change.Caller, id, number string) (e HistoryDetails, err error) {
	rev, err := a.Changes.Find(ctx, who, id)
	if err != nil {
		return e, err
	}
	none := events.Faultf(events.NotFound, "n", "no such change of this job, or it is not kept: GET /api/v2/jobs/{job_id}/history lists them")
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || n == 0 {
		return e, none
	}
	found := false
	var newer events.JobEvent
	err = a.Bus.JobEvents(id).Newest(ctx, n+1, func(m jet.Entry[events.JobEvent]) bool {
		ev, err := m.Value()
		switch {
		case !found && (err != nil || m.Sequence != n):
			return false
		case !found:
			e, newer, found = HistoryDetails{HistoryEntry: entryOf(m, ev), Name: ev.Job.Name, Status: ev.Job.Status, Parameters: a.shown(who, ev.Job)}, ev, true
			return true
		case err != nil:
			return true // of another version
		}
		e.tell(a.changes(who, ev.Job, newer.Job))
		return false
	})
	if err == nil && !found {
		err = none
	}
	if err == nil {
		e.Restore = a.restore(who, rev.Event.Job, newer.Job)
	}
	return e, err
}

func (a *API) getHistoryEntry(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	e, err := a.GetHistoryEntry(r.Context(), a.Caller(r), jobID(r), mux.Vars(r)["n"])
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, e)
	return nil
}

// restore gives the patch that makes the parameters of a job what they were. It is in
// the short form where they were and are.
func (a *API) restore(who change.Caller, now, then events.Job) events.Object {
	is, was := mustObject(a.Changes.Visible(who, now)), mustObject(a.Changes.Visible(who, then))
	if events.IsShort(is) && events.IsShort(was) {
		is, was = events.Shorten(is, now.Username, now.ID), events.Shorten(was, then.Username, then.ID)
	}
	return patchOf(is, was)
}

// mustObject reads what was stored as an object, and is empty where another version did not.
func mustObject(raw json.RawMessage) events.Object {
	o, err := events.ParseObject(raw)
	if err != nil {
		return events.Object{}
	}
	return o
}

// patchOf is the JSON merge patch (RFC 7396) that makes one object of another.
func patchOf(from, to events.Object) events.Object {
	patch := events.Object{}
	for _, m := range from {
		if _, ok := to.Get(m.Key); !ok && m.Value[0] != 'n' {
			patch = patch.Set(m.Key, nil)
		}
	}
	for _, m := range to {
		old, had := from.Get(m.Key)
		switch {
		case had && bytes.Equal(old, m.Value):
		case had && old[0] == '{' && m.Value[0] == '{':
			if inner := patchOf(from.Inner(m.Key), to.Inner(m.Key)); len(inner) > 0 {
				patch = patch.Set(m.Key, inner)
			}
		default:
			patch = patch.Set(m.Key, m.Value)
		}
	}
	return patch
}
