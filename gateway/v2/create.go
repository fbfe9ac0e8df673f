package v2

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// headerReplayed says that a request was sent before.
const headerReplayed = "Idempotency-Replayed"

// createJob makes a job, once for each Idempotency-Key, or says what would be made.
func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	dry, err := isDry(r)
	if err != nil {
		return err
	}
	o, err := readNew(r)
	if err != nil {
		return err
	}
	if dry {
		return a.wouldCreate(w, r, o)
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	request := change.RequestOf(a.Caller(r), key, o)
	if answered, err := a.replay(w, r, request); answered || err != nil {
		return err
	}
	draft, err := a.draft(r, a.Changes, request, o)
	if err != nil {
		return err
	}
	rev, err := a.Changes.Create(r.Context(), a.Caller(r), draft)
	if err != nil {
		// Another of the same request may have been first, or this one all the same.
		if answered, other := a.replay(w, r, request); answered || wire.IsRefusal(other) {
			return other
		}
		return err
	}
	return a.created(w, r, rev, a.planOf(draft.Parameters))
}

// draft reads and checks a job that is to be made.
func (a *API) draft(r *http.Request, changes *change.Jobs, request change.Request, o events.Object) (draft change.Draft, err error) {
	o, disabled := withoutStatus(o)
	if o, err = changes.Native(r.Context(), a.Caller(r), o); err != nil {
		return draft, err
	}
	if o, err = changes.WithToken(r.Context(), o); err != nil {
		return draft, err
	}
	if draft, err = changes.DraftOf(r.Context(), a.Caller(r), request, o); err != nil {
		return draft, err
	}
	draft.Disabled = disabled
	return draft, a.askExisting(a.Caller(r), draft.Parameters)
}

// replay answers a request that was sent before with the job that it made.
func (a *API) replay(w http.ResponseWriter, r *http.Request, request change.Request) (answered bool, err error) {
	rev, made, err := a.Changes.Made(r.Context(), request)
	if err != nil || !made {
		return false, err
	}
	w.Header().Set(headerReplayed, "true")
	return true, a.created(w, r, rev, a.stored(rev.Event.Job))
}

func (a *API) created(w http.ResponseWriter, r *http.Request, rev events.JobRevision, plan *events.Plan) error {
	w.Header().Set("Location", Prefix+"jobs/"+rev.Event.Job.ID)
	return a.writeJob(w, r, http.StatusCreated, rev, plan)
}

// idempotencyKey reads the key by which a caller names a request; "" = none.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get(events.HeaderKey)
	if len(key) > maxIdempotencyKey {
		return "", events.Faultf(events.Invalid, events.HeaderKey, "is longer than %d bytes", maxIdempotencyKey)
	}
	return key, nil
}

// statusKey is the one key of a job that is to be made that its parameters have not.
const statusKey = "status"

// readNew reads the parameters of a job that is to be made, and its status.
func readNew(r *http.Request) (events.Object, error) {
	body, err := wire.Body(r)
	if err != nil {
		return nil, err
	}
	o, err := events.ParseObject(body)
	if err != nil {
		return nil, err
	}
	if raw, given := o.Get(statusKey); given && string(raw) != `"ENABLED"` && string(raw) != `"DISABLED"` {
		return nil, events.Faultf(events.Invalid, statusKey, "must be ENABLED, the default, or DISABLED")
	}
	parameters, _ := withoutStatus(o)
	return o, checkParameterKeys(parameters, "")
}

// withoutStatus gives the parameters, and whether the job is to be made disabled.
func withoutStatus(o events.Object) (parameters events.Object, disabled bool) {
	raw, _ := o.Get(statusKey)
	return o.Delete(statusKey), string(raw) == `"DISABLED"`
}
