package v1

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// deleters is how many deletions of one call are on their way at once; the
// broker writes those to disk together.
const deleters = 16

func (a *API) deleteJob(w http.ResponseWriter, r *http.Request) error {
	o, err := readArguments(r)
	if err != nil {
		return err
	}
	id, err := jobIDOf(o)
	if err != nil {
		return err
	}
	all, err := flagOf(o, "delete_all")
	if err != nil {
		return err
	}
	ids := []string{id}
	switch {
	case all && id != "":
		return events.Faultf(events.Invalid, "job_id, delete_all", "are both given: send one of them")
	case all:
		if ids, err = a.deleteAll(r, o); err != nil {
			return err
		}
	case id == "":
		return events.Faultf(events.Invalid, "job_id, delete_all", "neither is given: send one of them")
	default:
		if err := a.delete(r, id); err != nil {
			return err
		}
	}
	wire.Write(w, http.StatusOK, struct {
		Status      events.Status `json:"status"`
		DeletedJobs string        `json:"deleted_jobs"`
	}{events.OK, strings.Join(ids, ",")})
	return nil
}

func (a *API) delete(r *http.Request, id string) error {
	return a.Changes.Delete(r.Context(), a.Caller(r), id, nil)
}

// deleteAll deletes the caller's jobs, or for an administrator those of another
// user, and gives the ids of those that it has deleted itself. After an
// error some are deleted; the call can be repeated.
func (a *API) deleteAll(r *http.Request, o events.Object) ([]string, error) {
	owner, err := ownerOf(o, a.Caller(r))
	if err != nil {
		return nil, err
	}
	if err := a.Jobs.Refresh(r.Context()); err != nil {
		return nil, err
	}
	var ids []string
	for job := range a.Jobs.Oldest(owner, 0, "") {
		ids = append(ids, job.ID)
	}
	errs := make([]error, len(ids))
	free := make(chan struct{}, deleters)
	var failed atomic.Bool
	var wg sync.WaitGroup
	for i, id := range ids {
		free <- struct{}{}
		if failed.Load() {
			break
		}
		wg.Go(func() {
			errs[i] = a.delete(r, id)
			if events.CodeOf(errs[i]) == events.NotFound {
				errs[i], ids[i] = nil, "" // another caller was first
			}
			if errs[i] != nil {
				failed.Store(true)
			}
			<-free
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" }), nil
}

// ownerOf reads whose jobs a call is about; "" is everybody's.
func ownerOf(o events.Object, who change.Caller) (string, error) {
	username, err := textOf(o, "username")
	if err != nil {
		return "", err
	}
	return who.OwnerFor(username)
}
