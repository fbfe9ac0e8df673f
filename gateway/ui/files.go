package ui

import (
	"net/url"
	"slices"

	"spool.internal/events"
	"spool.internal/events/why"
)

func (u *UI) filesPages() []page {
	return []page{
		{path: "/jobs/{id}/files", template: "files", nav: "Jobs", view: u.viewFiles},
		{path: "/jobs/{id}/mark", template: "filemark", nav: "Jobs", may: events.Token.MayWrite, view: u.viewMark},
	}
}

func (u *UI) filesActions() []action {
	return []action{
		{path: "/jobs/{id}/files/drop", do: u.drop},
		{path: "/jobs/{id}/files/reprocess", do: u.reprocess},
		{path: "/jobs/{id}/files/mark", do: u.mark},
	}
}

// filesPage is the page of the files of a job.
type filesPage struct {
	JobID, Job string
	Head       folderHead
	Faults     faults
	Where      where
	Table      fileTable
	Pager      pager
	States     []stateLink
	Prefix     string
	State      string
	MayWrite   bool
}

func (f filesPage) title() string { return "Files of " + f.Job }

// stateLink is a filter by state.
type stateLink struct {
	Href, Text string
	Current    bool
}

// fileStates are those that a list of files is filtered by, in the order in which a file goes through them.
var fileStates = []struct{ value, text string }{
	{"", "All"},
	{"waiting", "Waiting"},
	{string(events.FileYoung), "New"},
	{string(events.FileOpen), "Open for writing"},
	{string(events.FileUnmarked), "Without marker"},
	{string(events.FileUnreadable), "Unreadable"},
	{string(why.FileQueued), "Queued"},
	{string(why.FileHeld), "Held"},
	{string(why.FileCalled), "Done"},
}

func (u *UI) viewFiles(c *call) (any, error) {
	w, err := u.watchedJob(c)
	if err != nil {
		return nil, err
	}
	return u.filesOf(c, w)
}

// filesOf shows the files of a job, those that the query asks for.
func (u *UI) filesOf(c *call, w watchedFolder) (*filesPage, error) {
	at := "/jobs/" + w.job.ID + "/files"
	f := &filesPage{JobID: w.job.ID, Job: w.job.Name, Where: where{Action: at, JobID: w.job.ID, Job: w.job.Name}, MayWrite: c.mayWrite()}
	q := c.pass()
	q.Del("path")
	f.Prefix, f.State = q.Get("prefix"), q.Get("state")
	var err error
	if f.Table, err = u.fileTable(c, w, q); err != nil {
		return nil, err
	}
	f.Head = folderHeadOf(why.At{Now: c.now, Zone: w.plan.Zone}, f.Table.folder)
	f.Pager = c.pager(f.Table.Next, "")
	f.Where.remember(f.Table)
	for _, s := range fileStates {
		f.States = append(f.States, stateLink{at + queryOf("state", s.value, "prefix", f.Prefix), s.text, s.value == f.State})
	}
	if len(f.Table.Rows) == 0 {
		f.Table.Empty = noneYet("Nothing waits, and nothing has run yet.")
		if f.Prefix+f.State != "" {
			f.Table.Empty = noMatch(0, "files", at)
		}
	}
	return f, u.find(c, w, &f.Where)
}

// queryOf writes a query of keys and values in turn, without those that are empty.
func queryOf(pairs ...string) string {
	q := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			q.Set(pair[0], pair[1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// reprocess runs a file again.
func (u *UI) reprocess(c *call) (done, error) {
	raw := c.form("path")
	if coded := c.form("path_b64"); coded != "" {
		var err error
		if raw, err = events.DecodePath("path_b64", coded); err != nil {
			return done{}, err
		}
	}
	id := c.id("id")
	trigger, err := u.api.ReprocessFile(c.Context(), c.who, id, raw, c.form("key"))
	if err != nil {
		return done{}, err
	}
	name := events.NewFile(raw).Path
	if trigger != "" { // its content as it was
		return done{"/runs/" + trigger, &Note{Text: name + " runs again.", At: c.now, Href: "/runs/" + trigger, Link: "run"}}, nil
	}
	return done{fileHref(id, raw), &Note{Text: name + " is taken again, as it lies there now.", At: c.now, Href: fileHref(id, raw), Link: "its timeline"}}, nil
}
