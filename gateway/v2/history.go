package v2

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// historyEntry is one change of a job.
type historyEntry struct {
	Event   events.Change `json:"event"`
	By      string        `json:"by"`
	At      time.Time     `json:"at"`
	From    string        `json:"from"`
	Changed []string      `json:"changed"` // fields; empty too when what was before is not kept
	Reason  string        `json:"reason,omitempty"`
}

func (a *API) listHistory(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "limit", "page_token")
	limit := q.Limit(wire.DefaultLimit)
	before, _ := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	id := jobID(r)
	if _, err := a.Changes.Find(r.Context(), a.Caller(r), id); err != nil {
		return err
	}
	var page struct {
		History []historyEntry `json:"history"`
		Next    string         `json:"next_page_token,omitempty"`
	}
	page.History = []historyEntry{}
	var newer events.JobEvent // the event after the one that is read
	last := uint64(0)         // sequence of the last entry
	err := a.Bus.JobEvents(id).Newest(r.Context(), before, func(m jet.Entry[events.JobEvent]) bool {
		ev, err := m.Value()
		if err != nil {
			return true // of another version
		}
		if n := len(page.History); n > 0 {
			page.History[n-1].Changed = changed(ev.Job, newer.Job)
		}
		if len(page.History) == limit {
			page.Next = wire.PageToken(last, "")
			return false
		}
		page.History = append(page.History, historyEntry{ev.Event, ev.By, ev.At.UTC(), ev.From, []string{}, ev.Reason})
		newer, last = ev, m.Sequence
		return true
	})
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// changed names the fields in which two revisions of a job differ.
func changed(before, after events.Job) []string {
	fields := map[string]bool{}
	if before.Status != after.Status {
		fields["status"] = true
	}
	differences(fields, "", before.Parameters, after.Parameters)
	for pointer, sealed := range after.Secrets {
		if old, ok := before.Secrets[pointer]; ok && old != sealed {
			fields[change.FieldOf(pointer)] = true
		}
	}
	for _, url := range events.URLPointers { // the parameters have their origins only
		if before.URL(url) != nil && after.URL(url) != nil && before.Secrets[url] != after.Secrets[url] {
			fields[change.FieldOf(url)] = true
		}
	}
	names := slices.AppendSeq([]string{}, maps.Keys(fields)) // never null
	slices.Sort(names)
	return names
}

// differences collects the paths at which two objects differ.
func differences(fields map[string]bool, path string, a, b json.RawMessage) {
	if bytes.Equal(a, b) {
		return
	}
	before, err1 := events.ParseObject(a)
	after, err2 := events.ParseObject(b)
	if err1 != nil || err2 != nil { // one of them is no object, or absent
		fields[path] = true
		return
	}
	if path != "" {
		path += "."
	}
	for _, m := range before {
		v, _ := after.Get(m.Key)
		differences(fields, path+m.Key, m.Value, v)
	}
	for _, m := range after {
		if _, ok := before.Get(m.Key); !ok {
			differences(fields, path+m.Key, nil, m.Value)
		}
	}
}
