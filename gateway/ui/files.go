package ui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

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

// IsJobFiles reports whether a path is that of a page, or an action, about the files of a job. The job is
// its second name.
func IsJobFiles(path string) bool {
	parts := strings.Split(path, "/")
	return len(parts) >= 4 && parts[1] == "jobs" && (parts[3] == "files" || parts[3] == "mark")
}

// filesPage is the page of the files of a job.
type filesPage struct {
	jobHead
	JobID, Job string
	Head       folderHead
	Faults     faults
	Where      where
	Table      fileTable
	Pager      pager
	States     []stateLink
	Prefix     string
	State      string
}

func (f filesPage) title() string { return "Files of " + f.Job }

// stateLink is a filter by state.
type stateLink struct {
	Href, Text string
	Current    bool
}

// fileState is one that a list of files is filtered by.
type fileState struct {
	value, text string
	part        bool // of those that wait: offered beside them
}

// fileStates are in the order in which a file goes through them.
var fileStates = []fileState{
	{"", "All", false},
	{waitingFiles, "Waiting", false},
	{string(events.FileYoung), "New", true},
	{string(events.FileOpen), "Open for writing", true},
	{string(events.FileUnmarked), "Without marker", true},
	{string(events.FileUnreadable), "Unreadable", true},
	{string(events.FileUnstaged), "Not copied", true},
	{string(why.FileQueued), "Queued", true},
	{string(why.FileHeld), "Held", true},
	{string(why.FileCalled), "Done", false},
}

// filesShown is how many files a page of the list has.
const filesShown = 50

// waitingFiles stands for all states of files that wait.
const waitingFiles = "waiting"

// stateLinks are the filters of a list: those of files that wait only where that is asked for.
func stateLinks(at, chosen, prefix string) (links []stateLink) {
	for _, s := range fileStates {
		if s.part && (chosen == "" || chosen == string(why.FileCalled)) {
			continue
		}
		links = append(links, stateLink{at + queryOf("state", s.value, "prefix", prefix), s.text, s.value == chosen})
	}
	return links
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
	f := &filesPage{JobID: w.job.ID, Job: w.job.Name, Where: where{Action: at, JobID: w.job.ID, Job: w.job.Name}}
	var err error
	if f.jobHead, err = u.findJob(c, "files"); err != nil {
		return nil, err
	}
	q := c.pass()
	q.Del("path")
	if q.Get("limit") == "" {
		q.Set("limit", strconv.Itoa(filesShown))
	}
	f.Prefix, f.State = q.Get("prefix"), q.Get("state")
	if f.Table, err = u.fileTable(c, w, q); err != nil {
		return nil, err
	}
	f.Head = folderHeadOf(why.At{Now: c.now, Zone: w.plan.Zone}, f.Table.folder)
	f.Pager = c.pager(f.Table.Next, "")
	f.Where.remember(f.Table)
	f.States = stateLinks(at, f.State, f.Prefix)
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
