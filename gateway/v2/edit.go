package v2

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

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
	return a.writeJob(w, r, http.StatusCreated, rev)
}

func (a *API) patchJob(w http.ResponseWriter, r *http.Request) error {
	may, err := precondition(r)
	if err != nil {
		return err
	}
	patch, err := readObject(r)
	if err == nil {
		patch, err = a.Changes.Native(r.Context(), a.Caller(r), patch)
	}
	if err != nil {
		return err
	}
	rev, err := a.Changes.Update(r.Context(), a.Caller(r), jobID(r), func(rev events.JobRevision) (events.Change, events.Job, error) {
		if err := may(rev); err != nil {
			return "", events.Job{}, err
		}
		return a.patched(r.Context(), a.Caller(r), rev.Event.Job, patch)
	})
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev)
}

// patched gives a job with a patch of a caller applied to its parameters.
func (a *API) patched(ctx context.Context, who change.Caller, j events.Job, patch events.Object) (events.Change, events.Job, error) {
	before, err := a.Changes.Editable(j)
	if err != nil {
		return "", j, err
	}
	old, _ := events.ReadParameters(before) // nil: stored by another version; then everything changes
	after, err := merge(before, patch)
	if err != nil {
		return "", j, err
	}
	if after, err = change.Completed(after, patch, j); err != nil {
		return "", j, err
	}
	p, err := change.Read(after)
	if err == nil {
		err = a.Changes.Allows(who, p)
	}
	if err == nil && (old == nil || !old.Options.Run.Short()) {
		err = a.Changes.RunsHere(ctx, p)
	}
	if err == nil && (old == nil || !slices.Equal(old.Options.Profiles, p.Options.Profiles)) {
		err = a.Changes.MayName(ctx, who, j, p)
	}
	if err != nil {
		return "", j, err
	}
	next, err := a.Changes.Conceal(ctx, who, j, after)
	if err != nil {
		return "", j, err
	}
	if len(next.Parameters) > wire.MaxBody {
		return "", j, events.Faultf(events.Invalid, "", "with this patch the job is longer than 256 KiB")
	}
	if bytes.Equal(next.Parameters, j.Parameters) && maps.Equal(next.Secrets, j.Secrets) {
		return "", j, nil
	}
	j = next
	j.Name = p.Name
	if old == nil || old.Schedule != p.Schedule || old.Spooled != p.Spooled || old.Options.Timezone != p.Options.Timezone {
		j.EffectiveFrom = time.Time{} // from now on
	}
	return events.JobUpdated, j, nil
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
	return a.writeJob(w, r, http.StatusOK, rev)
}
