package v2

import (
	"bytes"
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
	if dry {
		return a.wouldPatch(w, r, patch, may)
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
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	rev, err := a.Changes.Enable(r.Context(), a.Caller(r), jobID(r))
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev, a.stored(rev.Event.Job))
}

func (a *API) disableJob(w http.ResponseWriter, r *http.Request) error {
	t, err := readTerms(r)
	if err != nil {
		return err
	}
	rev, err := a.Changes.Disable(r.Context(), a.Caller(r), jobID(r), t)
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev, a.stored(rev.Event.Job))
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
	t.Reason = in.Text("reason")
	if text := in.Text("until"); text != "" {
		if t.Until, err = wire.ParseTime(text); err != nil {
			in.Fail("until", "%s", err.Error())
		}
	}
	if in.Err() != nil {
		return t, in.Err()
	}
	return t, t.Check(time.Now())
}
