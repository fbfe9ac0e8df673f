package ui

import (
	"encoding/json"
	"strconv"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// historyPage lists the changes of a job, newest first.
type historyPage struct {
	jobHead
	Rows  []historyRow
	Empty *emptyList
	Pager pager
}

func (p historyPage) title() string { return "History of " + p.Name }

// historyRow is one change.
type historyRow struct {
	v2.HistoryEntry
	What    string
	Fields  []historyField
	Unknown bool   // what was before is not kept
	Restore string // the form that makes the job what it was; empty: it is that
}

// historyField is a field before and after a change.
type historyField struct {
	Name          string
	Before, After string // empty: it was, or is, not there
	Secret        bool   // both look the same
}

func (u *UI) viewHistory(c *call) (any, error) {
	h, err := u.findJob(c, "history")
	if err != nil {
		return nil, err
	}
	got, err := u.api.ListHistory(c.Context(), c.who, h.ID, c.pass())
	if err != nil {
		return nil, err
	}
	p := &historyPage{jobHead: h, Pager: c.pager(got.Next, why.Count(len(got.History), "change"))}
	for i, e := range got.History {
		row := historyRow{HistoryEntry: e, What: changeWord(e.Event)}
		for _, f := range e.Changes {
			shown := historyField{Name: f.Field, Before: plain(f.Before), After: plain(f.After)}
			shown.Secret = shown.Before == shown.After
			row.Fields = append(row.Fields, shown)
		}
		row.Unknown = e.Event == events.JobUpdated && len(e.Changes) == 0
		if newest := i == 0 && c.query.Get("after") == ""; h.MayWrite && !newest {
			row.Restore = "/jobs/" + h.ID + "/edit?restore=" + strconv.FormatUint(e.N, 10)
		}
		p.Rows = append(p.Rows, row)
	}
	if len(p.Rows) == 0 {
		p.Empty = noneYet("No older changes are kept.", link{"/jobs/" + h.ID + "/history", "The newest changes"})
	}
	return p, nil
}

// changeWord says what an event of a job did.
func changeWord(e events.Change) string {
	switch e {
	case events.JobCreated:
		return "made"
	case events.JobUpdated:
		return "changed"
	}
	return string(e)
}

// plain shows a value of JSON as people write it: texts without quotes.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return indented(raw)
}
