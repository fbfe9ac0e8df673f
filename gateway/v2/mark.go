package v2

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// How many files one list has, and how much of them.
const (
	markedAtOnce = 1000
	mostMarked   = 5000
	markedBytes  = 700 << 10
)

// Marking is a dry run: what lies in the folder of a job, has not run, and can be marked.
type Marking struct {
	List  string       `json:"list"`  // what the real call names
	Count int          `json:"count"` // of the files
	Files []ToBeMarked `json:"files"`
	Next  string       `json:"next_page_token,omitempty"` // more files follow: they are another list
	Hint  string       `json:"hint,omitempty"`
}

// ToBeMarked is a file of a dry run.
type ToBeMarked struct {
	Path     string    `json:"path"`
	PathB64  string    `json:"path_b64,omitempty"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	State    string    `json:"state"` // new, queued or held

	fingerprint string
}

// Marked is what a real call did.
type Marked struct {
	Marked int `json:"marked"`
	Left   int `json:"left"` // files of the list that have run, are being called, or were marked before
}

// MarkRequest is a dry run, or names the list of one.
type MarkRequest struct {
	Pattern string
	Limit   int // of the files; 0 means 1000
	Page    string
	List    string
	Look    bool // keep no list: nothing is to change
}

func readMark(r *http.Request) (MarkRequest, error) {
	in, err := wire.ReadFields(r, "pattern", "limit", "page_token", "list")
	if err != nil {
		return MarkRequest{}, err
	}
	m := MarkRequest{Pattern: in.Text("pattern"), Limit: in.Number("limit", 0, 0, mostMarked), Page: in.Text("page_token"), List: in.Text("list")}
	return m, in.Err()
}

func (m MarkRequest) check() error {
	switch {
	case m.List != "" && (m.Pattern != "" || m.Page != "" || m.Limit != 0):
		return events.Faultf(events.Invalid, "list", "is of a dry run that has said which files: leave the other keys out")
	case m.List == "" && m.Pattern == "":
		return events.Faultf(events.Invalid, "pattern", "is required for a dry run, as *.pdf or 2025/**; * is all files. The answer names the list that a second call then marks")
	}
	return nil
}

func (a *API) markFiles(w http.ResponseWriter, r *http.Request) error {
	asked, err := readMark(r)
	if err != nil {
		return err
	}
	var answer any
	if asked.List != "" {
		answer, err = a.MarkFiles(r.Context(), a.Caller(r), jobID(r), asked)
	} else {
		answer, err = a.MarkableFiles(r.Context(), a.Caller(r), jobID(r), asked)
	}
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, answer)
	return nil
}

// jobToMark finds the job whose files are to be marked.
func (a *API) jobToMark(ctx context.Context, who change.Caller, id string, asked MarkRequest) (events.Job, error) {
	rev, err := a.Changes.Find(ctx, who, id)
	if err == nil {
		err = who.Reaches(rev.Event.Job)
	}
	if err == nil {
		err = asked.check()
	}
	return rev.Event.Job, err
}

// MarkFiles says that the files of a list which [API.MarkableFiles] has made have run: those of
// its contents that have not by now.
func (a *API) MarkFiles(ctx context.Context, who change.Caller, id string, asked MarkRequest) (Marked, error) {
	job, err := a.jobToMark(ctx, who, id, asked)
	if err != nil {
		return Marked{}, err
	}
	list, found, err := a.Bus.MarkList(ctx, asked.List)
	if err != nil {
		return Marked{}, err
	}
	if !found || list.JobID != job.ID {
		return Marked{}, events.Faultf(events.NotFound, "list", "no such list of this job, or it is older than an hour: make the dry run again")
	}
	files := make([]events.SeenFile, len(list.Files))
	for i, f := range list.Files {
		files[i] = events.SeenFile{JobID: job.ID, Path: f.RawPath(), Fingerprint: f.Fingerprint}
	}
	done, err := a.Bus.MarkFiles(ctx, job.Username, files, who.Owner, job.Status == events.Disabled)
	if err != nil {
		return Marked{}, err
	}
	answer := Marked{Left: len(files)}
	for _, is := range done {
		if is {
			answer.Marked++
			answer.Left--
		}
	}
	a.Log.Info("files are marked as run", "job_id", job.ID, "files", answer.Marked, "list", asked.List, "user", who.Owner)
	return answer, nil
}

// MarkableFiles shows the files that lie in the folder of a job and have not run, and keeps
// what it has shown for the call that marks.
func (a *API) MarkableFiles(ctx context.Context, who change.Caller, id string, asked MarkRequest) (Marking, error) {
	job, err := a.jobToMark(ctx, who, id, asked)
	if err != nil {
		return Marking{}, err
	}
	m := Marking{Files: []ToBeMarked{}}
	p, err := job.Plan(a.Zone)
	if err != nil {
		return m, err
	}
	if !p.Spooled {
		return m, wire.Refuse(http.StatusConflict, events.Conflict, "", "the job watches no folder: only files of jobs in automatic mode can be marked")
	}
	if a.Drives == nil {
		return m, events.Faultf(events.Unavailable, "", "this gateway has no drives: ask one that is started with those of the job")
	}
	after, err := events.DecodePath("page_token", asked.Page)
	if err == nil {
		err = events.CheckPattern("pattern", asked.Pattern, p.Options.Watch.Recursive)
	}
	if err != nil {
		return m, err
	}
	drives := a.Drives.As(who.Access())
	var folder *os.Root
	err, in := change.Look(func() (err error) { folder, err = drives.OpenDir(p.InputDir); return err })
	if !in {
		return m, events.Faultf(events.Unavailable, "", "the folder %s does not answer: its mount hangs, or is slow", p.InputDir)
	}
	if err != nil {
		return m, wire.Refuse(http.StatusConflict, events.Conflict, "", "the folder %s %s", p.InputDir, drives.Why(p.InputDir, err))
	}
	defer folder.Close() //nolint:errcheck // was only read
	dry := dryRun{list: &m, job: job, limit: cmp.Or(asked.Limit, markedAtOnce)}
	s := search{folder: folder, watch: p.Options.Watch, pattern: asked.Pattern, after: after}
	if err := a.fill(ctx, dry, s); err != nil {
		return m, err
	}
	if job.Status != events.Disabled {
		m.Hint = "the job is enabled: what is complete is called for already, and not shown here. Disable it, then put the files there, mark them, and enable it"
	}
	if asked.Look {
		return m, nil
	}
	return m, a.keepList(ctx, who, job, &m)
}

// dryRun is what a dry run fills a list with.
type dryRun struct {
	list  *Marking
	job   events.Job
	limit int // files
}

// fill looks for files until the list is full.
func (a *API) fill(ctx context.Context, dry dryRun, s search) error {
	m, job, size := dry.list, dry.job, 0
	generations, err := a.Bus.Generations(ctx, job.ID)
	if err != nil {
		return err
	}
	err = s.each(ctx, func(batch []foundFile) error {
		files := make([]events.SeenFile, len(batch))
		for i, f := range batch {
			files[i] = events.SeenFile{JobID: job.ID, Path: f.path, Fingerprint: f.fingerprint(job.ID, generations[f.path])}
		}
		standings, err := a.Bus.FileStandings(ctx, job.Username, files, job.Status == events.Disabled)
		if err != nil {
			return err
		}
		for i, f := range batch {
			state, ok := markableAs(standings[i], job.Status == events.Disabled)
			if !ok {
				continue
			}
			if len(m.Files) == dry.limit || size > markedBytes {
				m.Next = pageOf(m.Files[len(m.Files)-1])
				return errFull
			}
			shown := events.NewFile(f.path)
			m.Files = append(m.Files, ToBeMarked{
				Path: shown.Path, PathB64: shown.PathB64, Size: f.Size, Modified: time.Unix(0, f.Modified).UTC(), State: state, fingerprint: files[i].Fingerprint,
			})
			size += m.Files[len(m.Files)-1].kept().Size()
		}
		return nil
	})
	m.Count = len(m.Files)
	if errors.Is(err, errFull) {
		err = nil
	}
	return err
}

// errFull ends a search whose list is full.
var errFull = errors.New("the list is full")

// markableAs says what a file is that can be marked.
func markableAs(s jet.FileStanding, disabled bool) (state string, ok bool) {
	switch s {
	case jet.FileUnknown:
		return "new", true
	case jet.FileHeld:
		return "held", true
	case jet.FileQueued, jet.FileAccepted:
		return "queued", disabled
	default:
		return "", false
	}
}

func (t ToBeMarked) kept() events.MarkedFile {
	return events.MarkedFile{Path: t.Path, PathB64: t.PathB64, Fingerprint: t.fingerprint}
}

// pageOf is the token of what follows a file.
func pageOf(t ToBeMarked) string { return events.EncodePath(t.kept().RawPath()) }

// keepList stores what was shown.
func (a *API) keepList(ctx context.Context, who change.Caller, job events.Job, m *Marking) (err error) {
	list := events.MarkList{JobID: job.ID, By: who.Owner, At: time.Now().UTC(), Files: []events.MarkedFile{}}
	for _, f := range m.Files {
		list.Files = append(list.Files, f.kept())
	}
	m.List, err = a.Bus.PutMarkList(ctx, list)
	return err
}
