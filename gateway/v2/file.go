package v2

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// fileVersion is one content that a path has had, or one more run of it.
type fileVersion struct {
	TriggerID   string    `json:"trigger_id"`
	Fingerprint string    `json:"fingerprint"`
	Seen        time.Time `json:"seen"`               // when it was entered into the ledger
	Queued      bool      `json:"queued"`             // waits for its call, or is being called
	Ignored     bool      `json:"ignored,omitempty"`  // is not to be run: lay there before the job was made, or was marked
	MarkedBy    string    `json:"marked_by,omitzero"` // who has said that it has run
	Verdict     string    `json:"verdict,omitzero"`   // why there is no execution
	Reason      string    `json:"reason,omitzero"`    // of the verdict
	Held        *held     `json:"held,omitempty"`     // why it is not run
	Result      *result   `json:"result,omitempty"`   // when it is kept

	file *events.File // of the result
}

// held says why a file is not run: runs led to it that its job began, or too many.
type held struct {
	Reason string    `json:"reason"`
	Ring   string    `json:"ring"`   // the jobs by name
	Ignore string    `json:"ignore"` // the pattern for watch.ignore that leaves such files alone
	Since  time.Time `json:"since"`
}

// holds adds why versions of a path are held.
func (a *API) holds(ctx context.Context, jobID, path string, versions []fileVersion) error {
	all, err := a.Bus.HeldOnPath(ctx, jobID, path)
	for _, h := range all {
		for i := range versions {
			if versions[i].Fingerprint == h.Fingerprint {
				versions[i].Held = &held{h.Reason(), h.Ring, h.Ignore, h.At.UTC()}
			}
		}
	}
	return err
}

// maxVersions is how many contents of one path are shown.
const maxVersions = 100

func (a *API) findFile(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "path")
	path := q.Text("path")
	if path == "" {
		q.Fail("path", "is required: the file's path below the watched folder")
	}
	if q.Err() != nil {
		return q.Err()
	}
	id := jobID(r)
	rev, err := a.Changes.Find(r.Context(), a.Caller(r), id)
	if err != nil {
		return err
	}
	versions, err := a.versions(r.Context(), id, path)
	if err != nil {
		return err
	}
	now, err := a.stand(r.Context(), a.Caller(r), rev.Event.Job, path, versions)
	if err != nil {
		return err
	}
	file := events.NewFile(path)
	wire.Write(w, http.StatusOK, struct {
		Path    string        `json:"path"`
		PathB64 string        `json:"path_b64,omitempty"`
		Now     *standing     `json:"now,omitempty"`
		Files   []fileVersion `json:"files"`
	}{file.Path, file.PathB64, now, versions})
	return nil
}

// versions lists what is known of a path, newest first: what the ledger holds,
// and what is left of files that it has forgotten because they are long gone.
func (a *API) versions(ctx context.Context, jobID, path string) ([]fileVersion, error) {
	seen, err := a.Bus.FilesOnPath(ctx, jobID, path)
	if err != nil {
		return nil, err
	}
	versions := []fileVersion{}
	for _, s := range seen {
		versions = append(versions, fileVersion{
			TriggerID: s.TriggerID, Fingerprint: s.Fingerprint, Seen: s.At.UTC(), Queued: s.Queued, Ignored: s.Ignored, MarkedBy: s.MarkedBy,
		})
	}
	if slices.ContainsFunc(seen, func(s events.SeenEntry) bool { return s.Held }) {
		if err := a.holds(ctx, jobID, path, versions); err != nil {
			return nil, err
		}
	}
	find := func(triggerID string) int {
		return slices.IndexFunc(versions, func(v fileVersion) bool { return v.TriggerID == triggerID })
	}
	var results []events.Result
	err = a.eachResult(ctx, jobID, func(_ uint64, r events.Result) bool {
		if r.File != nil && r.File.RawPath() == path {
			results = append(results, r)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	shown, err := a.show(ctx, results)
	if err != nil {
		return nil, err
	}
	for i := range shown {
		n := find(shown[i].TriggerID)
		if n < 0 {
			n = len(versions)
			versions = append(versions, fileVersion{
				TriggerID: shown[i].TriggerID, Fingerprint: shown[i].File.Fingerprint, Seen: shown[i].Triggered,
			})
		}
		versions[n].Result, versions[n].file = &shown[i], results[i].File
		versions[n].Queued = false // it is about to leave the queue
	}
	err = a.Bus.Verdicts(jobID).Since(ctx, time.Time{}, func(m jet.Entry[events.Verdict]) bool {
		if v, err := m.Value(); err == nil && v.TriggerID != "" {
			if n := find(v.TriggerID); n >= 0 {
				versions[n].Verdict, versions[n].Reason, versions[n].Queued = string(v.Verdict), v.Reason, false
			}
		}
		return true
	})
	slices.SortStableFunc(versions, func(a, b fileVersion) int { return b.Seen.Compare(a.Seen) })
	return versions[:min(len(versions), maxVersions)], err
}

// reprocessFile has watchers take the file that lies at a path as new. Where
// none lies there any more, what was taken of it last is run again.
func (a *API) reprocessFile(w http.ResponseWriter, r *http.Request) error {
	path, err := readPath(r)
	if err != nil {
		return err
	}
	id := jobID(r)
	rev, err := a.Changes.Find(r.Context(), a.Caller(r), id)
	if err == nil {
		err = a.Caller(r).Reaches(rev.Event.Job)
	}
	if err != nil {
		return err
	}
	versions, err := a.versions(r.Context(), id, path)
	switch {
	case err != nil:
		return err
	case len(versions) == 0:
		now, err := a.stand(r.Context(), a.Caller(r), rev.Event.Job, path, nil)
		if err != nil {
			return err
		}
		if now != nil && now.State != events.FileAbsent && now.State != events.FileNoFolder {
			return wire.Refuse(http.StatusConflict, events.Conflict, "path", "the file lies there and has not run, so it cannot run again: %s", now.Reason)
		}
		return events.Faultf(events.NotFound, "path", "no such file has been seen in the folder of this job: give its path below the watched folder")
	case versions[0].Queued:
		return wire.Refuse(http.StatusConflict, events.Conflict, "path", "the file is queued already")
	}
	if a.gone(rev.Event.Job, path) {
		file := versions[0].file
		if file == nil || a.staged(file) != nil {
			return wire.Refuse(http.StatusConflict, events.Conflict, "path",
				"the file is not in the folder any more, and its content is not kept any more: put it into the folder again")
		}
		return a.trigger(w, r, id, file)
	}
	if err := a.Bus.Reprocess(r.Context(), id, path, a.Caller(r).Owner); err != nil {
		return err
	}
	a.Log.Info("a file is to be run again", "job_id", id, "user", a.Caller(r).Owner)
	w.WriteHeader(http.StatusAccepted)
	return nil
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
	_, err = a.Stages.Stat(p.InputDir.Join(path))
	return errors.Is(err, fs.ErrNotExist)
}
