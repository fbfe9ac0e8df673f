package v2

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// historyEntry is one change of a job.
type historyEntry struct {
	N       uint64        `json:"n"` // its sequence, which the ETag of the job after it names too
	Event   events.Change `json:"event"`
	By      string        `json:"by"`
	At      time.Time     `json:"at"`
	From    string        `json:"from"`
	Changed []string      `json:"changed"` // fields; empty too when what was before is not kept
	Changes []fieldChange `json:"changes"` // the same with their values
	Reason  string        `json:"reason,omitempty"`
	Until   time.Time     `json:"until,omitzero"`
	Bulk    string        `json:"bulk_id,omitempty"`
}

// historyDetails is a change with the job as it was after it.
type historyDetails struct {
	historyEntry
	Name       string           `json:"name"`
	Status     events.JobStatus `json:"status"`
	Parameters json.RawMessage  `json:"parameters"`
	Restore    events.Object    `json:"restore"` // the patch that makes the parameters what they were
}

func entryOf(m jet.Entry[events.JobEvent], ev events.JobEvent) historyEntry {
	e := historyEntry{
		N: m.Sequence, Event: ev.Event, By: ev.By, At: ev.At.UTC(), From: ev.From, Reason: ev.Reason, Bulk: ev.Bulk,
		Changed: []string{}, Changes: []fieldChange{},
	}
	if d := ev.Job.Disabled; d != nil && ev.Event == events.JobDisabled {
		e.Until = d.Until.UTC()
	}
	return e
}

// tell says what the change has changed.
func (e *historyEntry) tell(changes []fieldChange) {
	for _, c := range changes {
		e.Changed = append(e.Changed, c.Field)
	}
	e.Changes = changes
}

func (a *API) listHistory(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "limit", "page_token")
	limit := q.Limit(wire.DefaultLimit)
	before, _ := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	id, who := jobID(r), a.Caller(r)
	if _, err := a.Changes.Find(r.Context(), who, id); err != nil {
		return err
	}
	var page struct {
		History []historyEntry `json:"history"`
		Next    string         `json:"next_page_token,omitempty"`
	}
	page.History = []historyEntry{}
	var newer events.JobEvent // the event after the one that is read
	err := a.Bus.JobEvents(id).Newest(r.Context(), before, func(m jet.Entry[events.JobEvent]) bool {
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
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// getHistoryEntry shows one change whole, so that it can be restored.
func (a *API) getHistoryEntry(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	id, who := jobID(r), a.Caller(r)
	rev, err := a.Changes.Find(r.Context(), who, id)
	if err != nil {
		return err
	}
	none := events.Faultf(events.NotFound, "n", "no such change of this job, or it is not kept: GET /api/v2/jobs/{job_id}/history lists them")
	n, err := strconv.ParseUint(mux.Vars(r)["n"], 10, 63)
	if err != nil || n == 0 {
		return none
	}
	var e *historyDetails
	var newer events.JobEvent
	err = a.Bus.JobEvents(id).Newest(r.Context(), n+1, func(m jet.Entry[events.JobEvent]) bool {
		ev, err := m.Value()
		switch {
		case e == nil && (err != nil || m.Sequence != n):
			return false
		case e == nil:
			e, newer = &historyDetails{historyEntry: entryOf(m, ev), Name: ev.Job.Name, Status: ev.Job.Status, Parameters: a.shown(who, ev.Job)}, ev
			return true
		case err != nil:
			return true // of another version
		}
		e.tell(a.changes(who, ev.Job, newer.Job))
		return false
	})
	if err != nil {
		return err
	}
	if e == nil {
		return none
	}
	e.Restore = a.restore(who, rev.Event.Job, newer.Job)
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
