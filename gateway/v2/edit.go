package v2

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
)

func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	o, err := readObject(r)
	if err != nil {
		return err
	}
	p, err := change.ReadNew(o)
	if err != nil {
		return err
	}
	rev, err := a.Changes.Create(r.Context(), a.who(r), o, p)
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
	if err != nil {
		return err
	}
	rev, err := a.Changes.Update(r.Context(), a.who(r), jobID(r), func(rev jet.JobRevision) (events.Change, events.Job, error) {
		if err := may(rev); err != nil {
			return "", events.Job{}, err
		}
		return a.patched(r.Context(), a.who(r), rev.Event.Job, patch)
	})
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev)
}

// patched gives a job with a patch of a caller applied to its parameters.
func (a *API) patched(ctx context.Context, who change.Caller, j events.Job, patch events.Object) (events.Change, events.Job, error) {
	before, err := events.ParseObject(j.Parameters)
	if err != nil {
		return "", j, fmt.Errorf("parameters of job %s: %s", j.ID, err) //nolint:errorlint // is no fault of the caller's
	}
	old, _ := events.ReadParameters(before) // nil: stored by another version; then everything changes
	after, err := merge(before, patch)
	if err != nil {
		return "", j, err
	}
	p, err := change.Read(after)
	if err == nil {
		err = a.Changes.Allows(who, p)
	}
	if err != nil {
		return "", j, err
	}
	parameters, secrets, err := events.Conceal(after, func(pointer, value string) (string, error) {
		return a.reseal(ctx, j, pointer, value)
	})
	if err != nil {
		return "", j, err
	}
	if len(parameters) > maxBody {
		return "", j, events.Faultf(events.Invalid, "", "with this patch the job is longer than 256 KiB")
	}
	if bytes.Equal(parameters, j.Parameters) && maps.Equal(secrets, j.Secrets) {
		return "", j, nil
	}
	j.Name, j.Parameters, j.Secrets = p.Name, parameters, secrets
	if old == nil || old.Schedule != p.Schedule || old.Spooled != p.Spooled || old.Options.Timezone != p.Options.Timezone {
		j.EffectiveFrom = time.Time{} // from now on
	}
	return events.JobUpdated, j, nil
}

// reseal keeps the sealed secret behind a mask, and seals what is no mask.
func (a *API) reseal(ctx context.Context, j events.Job, pointer, value string) (string, error) {
	if value == events.Mask {
		if sealed, ok := j.Secrets[pointer]; ok {
			return sealed, nil
		}
		return "", change.Masked(fieldOf(pointer))
	}
	key, err := a.Changes.SealKey(ctx)
	if err != nil {
		return "", err
	}
	return key.Seal(value, j.ID, pointer)
}

// fieldOf spells the pointer of a secret as faults spell fields.
func fieldOf(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}

func (a *API) deleteJob(w http.ResponseWriter, r *http.Request) error {
	may, err := precondition(r)
	if err == nil {
		err = decodeNothing(r)
	}
	if err != nil {
		return err
	}
	if err := a.Changes.Delete(r.Context(), a.who(r), jobID(r), may); err != nil {
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

func (a *API) turn(w http.ResponseWriter, r *http.Request, f func(context.Context, change.Caller, string) (jet.JobRevision, error)) error {
	if err := decodeNothing(r); err != nil {
		return err
	}
	rev, err := f(r.Context(), a.who(r), jobID(r))
	if err != nil {
		return err
	}
	return a.writeJob(w, r, http.StatusOK, rev)
}
