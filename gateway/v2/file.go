package v2

import (
	"context"
	"net/http"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// fileVersion is one content that a path has had.
type fileVersion struct {
	TriggerID   string    `json:"trigger_id"`
	Fingerprint string    `json:"fingerprint"`
	Seen        time.Time `json:"seen"`             // when it was entered into the ledger
	Queued      bool      `json:"queued"`           // waits for its call, or is being called
	Result      *result   `json:"result,omitempty"` // when it is kept
}

// maxVersions is how many contents of one path are shown.
const maxVersions = 100

func (a *API) findFile(w http.ResponseWriter, r *http.Request) error {
	q := readQuery(r, "path")
	path := q.text("path")
	if path == "" {
		q.fail("path", "is required: the file's path below the watched folder")
	}
	if q.err != nil {
		return q.err
	}
	id := jobID(r)
	if _, err := a.Changes.Find(r.Context(), a.who(r), id); err != nil {
		return err
	}
	versions, found, err := a.versions(r.Context(), id, path)
	if err != nil {
		return err
	}
	shown, err := a.show(r.Context(), id, found)
	if err != nil {
		return err
	}
	for i := range versions {
		n := slices.IndexFunc(shown, func(s result) bool { return s.TriggerID == versions[i].TriggerID })
		if n >= 0 {
			versions[i].Result = &shown[n]
		}
	}
	write(w, http.StatusOK, struct {
		Path  string        `json:"path"`
		Files []fileVersion `json:"files"`
	}{events.NewFile(path).Path, versions})
	return nil
}

// versions reads what is known of a path, newest first, and the results that are kept of it.
func (a *API) versions(ctx context.Context, jobID, path string) ([]fileVersion, []events.Result, error) {
	seen, err := a.Bus.SeenOnPath(ctx, jobID, path)
	if err != nil {
		return nil, nil, err
	}
	versions := []fileVersion{}
	var queue []string
	wanted := map[string]bool{}
	for _, s := range slices.Backward(seen[max(0, len(seen)-maxVersions):]) {
		v := fileVersion{TriggerID: events.FileTriggerID(jobID, s.Fingerprint), Fingerprint: s.Fingerprint, Seen: s.At.UTC()}
		versions, queue = append(versions, v), append(queue, events.FileSubject(jobID, s.Fingerprint))
		wanted[v.TriggerID] = true
	}
	queued, err := a.Bus.Known(ctx, events.StreamFiles, queue)
	if err != nil {
		return nil, nil, err
	}
	for i := range versions {
		versions[i].Queued = queued[i]
	}
	var results []events.Result
	if len(wanted) > 0 {
		err = a.eachResult(ctx, jobID, func(_ uint64, r events.Result) bool {
			if wanted[r.TriggerID] {
				results = append(results, r)
			}
			return len(results) < len(wanted)
		})
	}
	return versions, results, err
}

func (a *API) reprocessFile(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Path string `json:"path"`
	}
	if err := decode(r, &body, false); err != nil {
		return err
	}
	if body.Path == "" {
		return events.Faultf(events.Invalid, "path", "is required: the file's path below the watched folder")
	}
	id := jobID(r)
	if _, err := a.Changes.Find(r.Context(), a.who(r), id); err != nil {
		return err
	}
	versions, results, err := a.versions(r.Context(), id, body.Path)
	switch {
	case err != nil:
		return err
	case len(versions) == 0:
		return events.Faultf(events.NotFound, "path", "no such file has been seen in the folder of this job")
	case versions[0].Queued:
		return refusal{http.StatusConflict, events.Faultf(events.Conflict, "path", "the file is queued already")}
	}
	n := slices.IndexFunc(results, func(res events.Result) bool { return res.TriggerID == versions[0].TriggerID })
	if n >= 0 && results[n].File != nil && a.staged(results[n].File) == nil {
		return a.trigger(w, r, id, results[n].File)
	}
	return a.forget(w, r, id, body.Path)
}

// forget takes a path out of the ledger, so that watchers take it as new, and
// publishes the job for them to look.
func (a *API) forget(w http.ResponseWriter, r *http.Request, id, path string) error {
	if err := a.Bus.Purge(r.Context(), events.StreamFiles, events.SeenPath(id, path), 0); err != nil {
		return err
	}
	_, err := a.Changes.Update(r.Context(), a.who(r), id, func(rev jet.JobRevision) (events.Change, events.Job, error) {
		return events.JobUpdated, rev.Event.Job, nil
	})
	if err != nil {
		return err
	}
	a.Log.Info("a file was taken out of the ledger", "job_id", id, "user", a.Caller(r).Owner)
	w.WriteHeader(http.StatusAccepted)
	return nil
}
