package ui

import (
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// where asks for a file by its name, and says what is known of it.
type where struct {
	Action string // the page that answers
	JobID  string
	Job    string
	Path   string   // that is asked for
	Names  []string // that come to mind
	Found  *foundFile
	Fault  string // why nothing can be said
}

// remember has names come to mind that are on the page anyway.
func (w *where) remember(tables ...fileTable) {
	for _, t := range tables {
		for _, row := range t.Rows {
			if row.Path == row.Raw { // else nobody can type it
				w.Names = append(w.Names, row.Path)
			}
		}
	}
}

// foundFile is what is known of a file.
type foundFile struct {
	Path     string
	JobID    string
	Job      string
	State    string     // what its mark says
	Words    string     // where it is
	Steps    []why.Step // of a file on its way of which no version is kept
	Size     *int64
	Modified time.Time
	Newest   *fileVersion
	Earlier  []fileVersion
	Alike    []fileLine // whose names begin so, of one that was never seen
	Again    *fileLine  // the form to run it again; nil: it may not be
	Zone     *time.Location
}

// fileVersion is a content that a file has had.
type fileVersion struct {
	Seen      time.Time
	What      string // other content, the same again
	Words     string
	State     string // what its mark says
	Steps     []why.Step
	Calls     []v2.FileCall // where there was more than one
	TriggerID string        // of its execution; empty = there is none
	Outputs   []events.Output
	More      int // files that it wrote beside those
	Zone      *time.Location
}

// find answers where a file is, if one is asked for.
func (u *UI) find(c *call, w watchedFolder, ask *where) error {
	if ask.Path = c.query.Get("path"); ask.Path == "" {
		return nil
	}
	host := ""
	if u.api.Drives != nil {
		host = u.api.Drives.HostPath(w.plan.InputDir)
	}
	raw := w.pathOf(ask.Path, host)
	if !filepath.IsLocal(raw) {
		ask.Fault = "Give the name of the file, or its path below " + w.plan.InputDir.String() + "."
		return nil
	}
	found, err := u.api.FindFile(c.Context(), c.who, w.job.ID, url.Values{"path": {raw}})
	if err != nil {
		return err
	}
	ask.Path = found.Path
	ask.Found = w.tell(found)
	if line := (fileLine{Path: found.Path, Raw: raw, JobID: w.job.ID, Job: w.job.Name, Key: c.key()}); c.mayWrite() && again(found) {
		ask.Found.Again = &line
	}
	if len(found.Files) == 0 && (found.Now == nil || found.Now.State == events.FileAbsent) {
		t, err := u.fileTable(c, w, url.Values{"prefix": {raw}, "limit": {"10"}})
		if err != nil {
			return err
		}
		ask.Found.Alike = t.Rows
	}
	return nil
}

// again reports that a file can be run again.
func again(f v2.FoundFile) bool {
	return len(f.Files) > 0 && !f.Files[0].Queued && (f.Files[0].Result == nil || hasEnded(f.Files[0].Result.Outcome))
}

// pathOf gives the path below the folder that somebody means who writes one, however long.
func (w watchedFolder) pathOf(typed, host string) string {
	for _, above := range []string{w.plan.InputDir.String(), host} {
		if below, ok := strings.CutPrefix(typed, strings.TrimSuffix(above, "/")+"/"); ok && above != "" {
			return below
		}
	}
	return strings.TrimPrefix(typed, "./")
}

// tell puts what is known of a file as a page shows it.
func (w watchedFolder) tell(found v2.FoundFile) *foundFile {
	f := &foundFile{Path: found.Path, JobID: w.job.ID, Job: w.job.Name, State: "none", Zone: w.plan.Zone}
	if now := found.Now; now != nil {
		f.Words, f.Size, f.Modified, f.Steps = now.Reason, now.Size, now.Modified, now.Timeline
		if len(now.Timeline) > 0 {
			f.State = "waiting"
		}
	}
	for i, v := range found.Files {
		one := w.version(v)
		if i == 0 {
			f.Newest, f.Steps = &one, nil
			continue
		}
		one.What = "other content"
		if v.Fingerprint == found.Files[i-1].Fingerprint {
			one.What = "the same content"
		}
		f.Earlier = append(f.Earlier, one)
	}
	if f.Newest != nil {
		f.State = f.Newest.State
		if f.Words == f.Newest.Words {
			f.Words = ""
		}
	}
	return f
}

func (w watchedFolder) version(v v2.FileVersion) fileVersion {
	one := fileVersion{Seen: v.Seen, State: "none", Steps: v.Timeline, Zone: w.plan.Zone}
	if v.Why != nil {
		one.Words = v.Why.Text
	}
	if len(v.Calls) > 1 {
		one.Calls = v.Calls
	}
	switch r := v.Result; {
	case r != nil:
		one.State, one.TriggerID = string(r.Outcome), v.TriggerID
		if r.Run != nil {
			one.Outputs = r.Run.Outputs
			if n := r.Run.OutputCount; n != nil {
				one.More = *n - len(one.Outputs)
			}
		}
	case v.Held != nil:
		one.State = string(events.OutcomeNotKept)
	case v.Queued:
		one.State = string(events.OutcomeWaiting)
	}
	return one
}
