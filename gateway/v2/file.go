package v2

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Standing is what lies at a path now.
type Standing struct {
	State    events.FileState `json:"state"`
	Reason   string           `json:"reason"`
	Code     why.Code         `json:"code"`
	Since    time.Time        `json:"since,omitzero"` // as far as a watcher has seen it
	Until    time.Time        `json:"until,omitzero"` // when that ends by itself
	Size     *int64           `json:"size,omitempty"` // of a file that lies there
	Modified time.Time        `json:"modified,omitzero"`

	Timeline []why.Step `json:"-"` // for pages: how far a file has come that no version is of
}

// shownAs are the states that are part of others in answers.
var shownAs = map[events.FileState]events.FileState{
	why.FileQueued: events.FileTaken, why.FileHeld: events.FileTaken, why.FileMarked: events.FileTaken, why.FileBefore: events.FileTaken,
	why.FileRewritten: events.FileTaken, why.FileCalled: events.FileTaken, why.FileNever: events.FileAbsent, why.FileHangs: events.FileNoFolder,
}

func (x *explained) standing(p *place) *Standing {
	if p == nil {
		return nil
	}
	r := x.reason(p.Facts)
	s := &Standing{State: p.State, Reason: r.Text, Code: r.Code, Since: r.Since, Until: r.Until, Size: p.size, Modified: p.Modified, Timeline: x.at.Timeline(p.Facts)}
	if as, ok := shownAs[p.State]; ok {
		s.State = as
	}
	return s
}

// FileReason says why a file is where it is.
type FileReason struct {
	Code  why.Code  `json:"code"`
	Text  string    `json:"text"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

func (x *explained) reason(f why.Facts) FileReason {
	answer := x.at.File(f)
	r := FileReason{Code: answer.Code, Text: answer.Sentence, Since: f.Since, Until: f.Next}
	if r.Since.IsZero() && f.Queued.Before(x.at.Now) {
		r.Since = f.Queued
	}
	if f.State == events.FileYoung && f.Quiet > 0 && !f.Modified.IsZero() {
		r.Until = f.Modified.Add(time.Duration(f.Quiet) * time.Millisecond)
	}
	return r
}

// FoundFile is what is known of a path below the folder of a job.
type FoundFile struct {
	Path    string        `json:"path"`
	PathB64 string        `json:"path_b64,omitempty"`
	Now     *Standing     `json:"now,omitempty"`
	Files   []FileVersion `json:"files"` // newest first
}

func (a *API) findFile(w http.ResponseWriter, r *http.Request) error {
	values, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	var answer any
	if values.Has("path") {
		answer, err = a.FindFile(r.Context(), a.Caller(r), jobID(r), values)
	} else {
		answer, err = a.ListFiles(r.Context(), a.Caller(r), jobID(r), values)
	}
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, answer)
	return nil
}

// FindFile says where the file at a path is, and what became of each content it has had.
func (a *API) FindFile(ctx context.Context, who change.Caller, id string, values url.Values) (FoundFile, error) {
	q := wire.ReadValues(values, "path")
	path := q.Text("path")
	if path == "" {
		q.Fail("path", "is empty: give the file's path below the watched folder, or leave it out for a list")
	}
	if q.Err() != nil {
		return FoundFile{}, q.Err()
	}
	rev, err := a.Changes.Find(ctx, who, id)
	if err != nil {
		return FoundFile{}, err
	}
	x := a.explain(who, rev.Event.Job)
	versions, err := x.versions(ctx, path)
	if err != nil {
		return FoundFile{}, err
	}
	now, err := x.stand(ctx, path, versions)
	if err != nil {
		return FoundFile{}, err
	}
	file := events.NewFile(path)
	return FoundFile{file.Path, file.PathB64, x.standing(now), versions}, nil
}

func (a *API) reprocessFile(w http.ResponseWriter, r *http.Request) error {
	path, err := readPath(r)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	id, err := a.ReprocessFile(r.Context(), a.Caller(r), jobID(r), path, key)
	switch {
	case err != nil:
		return err
	case id == "":
		w.WriteHeader(http.StatusAccepted)
	default:
		wire.Write(w, http.StatusAccepted, triggered{id})
	}
	return nil
}

// ReprocessFile has watchers take the file that lies at a path as new. Where none lies there
// any more, what was taken of it last is run again, once for each key, and the identity of
// that execution is given.
func (a *API) ReprocessFile(ctx context.Context, who change.Caller, id, path, key string) (triggerID string, err error) {
	rev, err := a.Changes.Find(ctx, who, id)
	if err == nil {
		err = who.Reaches(rev.Event.Job)
	}
	if err != nil {
		return "", err
	}
	x := a.explain(who, rev.Event.Job)
	versions, err := x.versions(ctx, path)
	switch {
	case err != nil:
		return "", err
	case len(versions) == 0:
		return "", x.notSeen(ctx, path)
	case versions[0].Queued:
		return "", wire.Refuse(http.StatusConflict, events.Conflict, "path", "the file is queued already")
	}
	if a.gone(rev.Event.Job, path) {
		file := versions[0].file
		if file == nil || a.staged(file) != nil {
			return "", wire.Refuse(http.StatusConflict, events.Conflict, "path",
				"the file is not in the folder any more, and its content is not kept any more: put it into the folder again")
		}
		return a.Changes.Trigger(ctx, who, id, key, file)
	}
	if err := a.Bus.Reprocess(ctx, id, path, who.Owner); err != nil {
		return "", err
	}
	a.Log.Info("a file is to be run again", "job_id", id, "user", who.Owner)
	return "", nil
}

// notSeen says why a file of which no content is known cannot run again.
func (x *explained) notSeen(ctx context.Context, path string) error {
	now, err := x.stand(ctx, path, nil)
	if err != nil {
		return err
	}
	if s := x.standing(now); s != nil && s.State != events.FileAbsent && s.State != events.FileNoFolder {
		return wire.Refuse(http.StatusConflict, events.Conflict, "path", "the file lies there and has not run, so it cannot run again: %s", s.Reason)
	}
	return events.Faultf(events.NotFound, "path", "no such file has been seen in the folder of this job: give its path below the watched folder")
}

// readPath reads a body that names a file by its path, or by the bytes of it
// where they are not UTF-8.
func readPath(r *http.Request) (string, error) {
	in, err := wire.ReadFields(r, "path", "path_b64")
	if err != nil {
		return "", err
	}
	path, coded := in.Text("path"), in.Text("path_b64")
	switch {
	case in.Err() != nil:
		return "", in.Err()
	case coded != "":
		return events.DecodePath("path_b64", coded)
	case path == "":
		return "", events.Faultf(events.Invalid, "path", "is required: the file's path below the watched folder")
	}
	return path, nil
}

// gone reports that there is certainly no file at a path below a job's folder.
func (a *API) gone(job events.Job, path string) bool {
	p, err := job.Plan(a.Zone)
	if err != nil || a.Stages == nil {
		return false
	}
	if !a.here(p.InputDir) {
		return false
	}
	_, err = a.Stages.Stat(p.InputDir.Join(path))
	return errors.Is(err, fs.ErrNotExist)
}
