package ui

import (
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// fileTable is a list of files.
type fileTable struct {
	JobID  string
	Job    string
	Rows   []fileLine
	More   int // that wait beside those
	All    string
	Next   string
	Empty  *emptyList
	folder *why.Folder
	mayRun bool
	Zone   *time.Location
}

// fileLine is a file in a list.
type fileLine struct {
	Path      string
	Raw       string // its exact bytes
	JobID     string
	Job       string
	State     string // what its mark says
	Why       string
	Since     time.Time
	Size      *int64
	TriggerID string // of its execution, if there is one
	Outcome   events.Outcome
	MayAgain  bool
	Key       string
}

// Href is where its timeline is.
func (l fileLine) Href() string { return fileHref(l.JobID, l.Raw) }

// PathB64 is the path in a form, where it is no text.
func (l fileLine) PathB64() string { return events.NewFile(l.Raw).PathB64 }

func fileHref(jobID, raw string) string {
	return "/jobs/" + jobID + "/files?" + url.Values{"path": {raw}}.Encode()
}

// fileTable reads a page of a job's files.
func (u *UI) fileTable(c *call, w watchedFolder, q url.Values) (fileTable, error) {
	t := fileTable{JobID: w.job.ID, Job: w.job.Name, Zone: w.plan.Zone, mayRun: c.mayWrite(), All: "/jobs/" + w.job.ID + "/files?" + url.Values{"state": q["state"]}.Encode()}
	list, err := u.api.ListFiles(c.Context(), c.who, w.job.ID, q)
	if err != nil {
		return t, err
	}
	t.folder, t.More, t.Next = list.Folder, list.More, list.Next
	for _, f := range list.List {
		t.Rows = append(t.Rows, t.line(c, f))
	}
	return t, nil
}

func (t fileTable) line(c *call, f v2.FileRow) fileLine {
	l := fileLine{
		Path: f.Path, Raw: (&events.File{Path: f.Path, PathB64: f.PathB64}).RawPath(), JobID: t.JobID, Job: t.Job, Why: f.Reason.Text, Since: f.Reason.Since,
		Size: f.Size, Outcome: f.Outcome, State: "waiting",
	}
	switch {
	case f.State == why.FileHeld:
		l.State = "disabled"
	case f.State == why.FileCalled:
		l.State, l.TriggerID = string(f.Outcome), f.TriggerID
		l.MayAgain, l.Key = t.mayRun && hasEnded(f.Outcome), c.key()
	}
	return l
}

// hasEnded reports that nothing comes of an execution any more.
func hasEnded(o events.Outcome) bool {
	switch o {
	case events.OutcomeWaiting, events.OutcomeRetrying, events.OutcomeRunning:
		return false
	default:
		return true
	}
}
