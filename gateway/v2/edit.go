package v2

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

func (a *API) patchJob(w http.ResponseWriter, r *http.Request) error {
	dry, err := isDry(r)
	if err != nil {
		return err
	}
	may, err := precondition(r)
	if err != nil {
		return err
	}
	patch, err := readObject(r)
	if err != nil {
		return err
	}
	write := a.PatchJob
	if dry {
		write = a.WouldPatch
	}
	d, err := write(r.Context(), a.Caller(r), jobID(r), patch, may)
	return writeDetails(w, d, err)
}

// PatchJob applies a JSON merge patch to the parameters of a job, if may finds nothing
// against the revision that it is at.
func (a *API) PatchJob(ctx context.Context, who change.Caller, id string, patch events.Object, may func(events.JobRevision) error) (JobDetails, error) {
	if err := checkParameterKeys(patch, ""); err != nil {
		return JobDetails{}, err
	}
	rev, p, err := a.Changes.Patch(ctx, who, id, patch, may)
	if err != nil {
		return JobDetails{}, err
	}
	return a.describe(ctx, who, rev, a.planOf(p))
}

// DeleteJob deletes a job, if may finds nothing against the revision that it is at.
func (a *API) DeleteJob(ctx context.Context, who change.Caller, id string, may func(events.JobRevision) error) error {
	if may == nil {
		may = func(events.JobRevision) error { return nil }
	}
	return a.Changes.Delete(ctx, who, id, may)
}

func (a *API) deleteJob(w http.ResponseWriter, r *http.Request) error {
	may, err := precondition(r)
	if err == nil {
		err = wire.ReadNothing(r)
	}
	if err == nil {
		err = a.DeleteJob(r.Context(), a.Caller(r), jobID(r), may)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// EnableJob enables a job, which may be enabled already.
func (a *API) EnableJob(ctx context.Context, who change.Caller, id string) (JobDetails, error) {
	rev, err := a.Changes.Enable(ctx, who, id)
	if err != nil {
		return JobDetails{}, err
	}
	return a.describe(ctx, who, rev, a.stored(rev.Event.Job))
}

func (a *API) enableJob(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	d, err := a.EnableJob(r.Context(), a.Caller(r), jobID(r))
	return writeDetails(w, d, err)
}

// DisableJob disables a job, which may be disabled already: then the terms are the new ones.
func (a *API) DisableJob(ctx context.Context, who change.Caller, id string, t change.Terms) (JobDetails, error) {
	err := t.Check(time.Now())
	if err != nil {
		return JobDetails{}, err
	}
	rev, err := a.Changes.Disable(ctx, who, id, t)
	if err != nil {
		return JobDetails{}, err
	}
	return a.describe(ctx, who, rev, a.stored(rev.Event.Job))
}

func (a *API) disableJob(w http.ResponseWriter, r *http.Request) error {
	t, err := readTerms(r)
	if err != nil {
		return err
	}
	d, err := a.DisableJob(r.Context(), a.Caller(r), jobID(r), t)
	return writeDetails(w, d, err)
}

// readTerms reads a body that may say why a job is disabled, and until when.
func readTerms(r *http.Request) (t change.Terms, err error) {
	body, err := wire.Body(r)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return t, err
	}
	in, err := wire.FieldsOf(body, "reason", "until")
	if err != nil {
		return t, err
	}
	return termsOf(in)
}

// termsOf takes the terms of a disabling out of a body.
func termsOf(in *events.Fields) (t change.Terms, err error) {
	reason, until := in.Text("reason"), in.Text("until")
	if in.Err() != nil {
		return t, in.Err()
	}
	return ReadTerms(reason, until)
}

// ReadTerms reads why a job is disabled, and until when: a time of RFC 3339, or nothing.
func ReadTerms(reason, until string) (t change.Terms, err error) {
	t.Reason = reason
	if until != "" {
		if t.Until, err = wire.ParseTime(until); err != nil {
			return t, events.Faultf(events.Invalid, "until", "%s", err.Error())
		}
	}
	return t, t.Check(time.Now())
}
