package v2

import (
	"context"
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	o, err := readObject(r)
	if err != nil {
		return err
	}
	if o, err = a.Changes.Native(r.Context(), a.Caller(r), o); err != nil {
		return err
	}
	if o, err = a.Changes.WithToken(r.Context(), o); err != nil {
		return err
	}
	draft, err := a.Changes.Draft(r.Context(), a.Caller(r), o)
	if err != nil {
		return err
	}
	if err := a.askExisting(a.Caller(r), draft.Parameters); err != nil {
		return err
	}
	rev, err := a.Changes.Create(r.Context(), a.Caller(r), draft)
	if err != nil {
		return err
	}
	w.Header().Set("Location", Prefix+"jobs/"+rev.Event.Job.ID)
	return a.writeJob(w, r, http.StatusCreated, rev, a.planOf(draft.Parameters))
}

func (a *API) patchJob(w http.ResponseWriter, r *http.Request) error {
	may, err := precondition(r)
	if err != nil {
		return err
	}
	patch, err := readObject(r)
	if err != nil {
		return err
	}
	rev, p, err := a.Changes.Patch(r.Context(), a.Caller(r), jobID(r), patch, may)
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev, a.planOf(p))
}

func (a *API) deleteJob(w http.ResponseWriter, r *http.Request) error {
	may, err := precondition(r)
	if err == nil {
		err = wire.ReadNothing(r)
	}
	if err != nil {
		return err
	}
	if err := a.Changes.Delete(r.Context(), a.Caller(r), jobID(r), may); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) enableJob(w http.ResponseWriter, r *http.Request) error {
	return a.turn(w, r, a.Changes.Enable)
}

func (a *API) disableJob(w http.ResponseWriter, r *http.Request) error {
	return a.turn(w, r, a.Changes.Disable)
}

func (a *API) turn(w http.ResponseWriter, r *http.Request, f func(context.Context, change.Caller, string) (events.JobRevision, error)) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	rev, err := f(r.Context(), a.Caller(r), jobID(r))
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev, a.stored(rev.Event.Job))
}
