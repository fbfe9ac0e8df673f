package v2

import (
	"context"
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// headerReplayed says that a request was sent before.
const headerReplayed = "Idempotency-Replayed"

func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	dry, err := isDry(r)
	if err != nil {
		return err
	}
	o, err := readObject(r)
	if err != nil {
		return err
	}
	if dry {
		d, err := a.WouldCreate(r.Context(), a.Caller(r), o)
		if err == nil {
			wire.Write(w, http.StatusOK, d) // what does not exist has no ETag
		}
		return err
	}
	d, replayed, err := a.CreateJob(r.Context(), a.Caller(r), o, r.Header.Get(events.HeaderKey))
	if err != nil {
		return err
	}
	if replayed {
		w.Header().Set(headerReplayed, "true")
	}
	w.Header().Set("Location", Prefix+"jobs/"+d.ID)
	w.Header().Set("ETag", d.ETag)
	wire.Write(w, http.StatusCreated, d)
	return nil
}

// CreateJob makes a job of its parameters, and of the key status beside them: once for
// each key of a caller, unless that is empty. replayed says that an earlier request of
// the same key has made it.
func (a *API) CreateJob(ctx context.Context, who change.Caller, o events.Object, key string) (d JobDetails, replayed bool, err error) {
	if err := checkNew(o); err != nil {
		return d, false, err
	}
	if err := checkIdempotencyKey(key); err != nil {
		return d, false, err
	}
	request := change.RequestOf(who, key, o)
	if d, made, err := a.replay(ctx, who, request); made || err != nil {
		return d, made, err
	}
	draft, err := a.draft(ctx, who, a.Changes, request, o)
	if err != nil {
		return d, false, err
	}
	rev, err := a.Changes.Create(ctx, who, draft)
	if err != nil {
		// Another of the same request may have been first, or this one all the same.
		if d, made, other := a.replay(ctx, who, request); made || wire.IsRefusal(other) {
			return d, made, other
		}
		return d, false, err
	}
	d, err = a.describe(ctx, who, rev, a.planOf(draft.Parameters))
	return d, false, err
}

// draft reads and checks a job that is to be made.
func (a *API) draft(ctx context.Context, who change.Caller, changes *change.Jobs, request change.Request, o events.Object) (draft change.Draft, err error) {
	o, disabled := withoutStatus(o)
	if o, err = changes.Native(ctx, who, o); err != nil {
		return draft, err
	}
	if o, err = changes.WithToken(ctx, o); err != nil {
		return draft, err
	}
	if draft, err = changes.DraftOf(ctx, who, request, o); err != nil {
		return draft, err
	}
	draft.Disabled = disabled
	return draft, a.askExisting(who, draft.Parameters)
}

// replay gives the job that a request has made that was sent before.
func (a *API) replay(ctx context.Context, who change.Caller, request change.Request) (d JobDetails, made bool, err error) {
	rev, made, err := a.Changes.Made(ctx, request)
	if err != nil || !made {
		return d, false, err
	}
	d, err = a.describe(ctx, who, rev, a.stored(rev.Event.Job))
	return d, true, err
}

// idempotencyKey reads the key by which a caller names a request; "" = none.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get(events.HeaderKey)
	return key, checkIdempotencyKey(key)
}

func checkIdempotencyKey(key string) error {
	if len(key) > maxIdempotencyKey {
		return events.Faultf(events.Invalid, events.HeaderKey, "is longer than %d bytes", maxIdempotencyKey)
	}
	return nil
}

// statusKey is the one key of a job that is to be made that its parameters have not.
const statusKey = "status"

// checkNew refuses what cannot be the parameters of a job that is to be made, and its
// status.
func checkNew(o events.Object) error {
	if raw, given := o.Get(statusKey); given && string(raw) != `"ENABLED"` && string(raw) != `"DISABLED"` {
		return events.Faultf(events.Invalid, statusKey, "must be ENABLED, the default, or DISABLED")
	}
	parameters, _ := withoutStatus(o)
	return checkParameterKeys(parameters, "")
}

// withoutStatus gives the parameters, and whether the job is to be made disabled.
func withoutStatus(o events.Object) (parameters events.Object, disabled bool) {
	raw, _ := o.Get(statusKey)
	return o.Delete(statusKey), string(raw) == `"DISABLED"`
}
