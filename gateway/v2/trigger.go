package v2

import (
	"context"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// maxIdempotencyKey is how long the key of a caller may be, in bytes.
const maxIdempotencyKey = 255

func (a *API) triggerJob(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	return a.trigger(w, r, jobID(r), nil)
}

// TriggerJob queues an execution of a job, once for each key; "" is none.
func (a *API) TriggerJob(ctx context.Context, who change.Caller, id, key string) (triggerID string, err error) {
	if len(key) > maxIdempotencyKey {
		return "", events.Faultf(events.Invalid, events.HeaderKey, "is longer than %d bytes", maxIdempotencyKey)
	}
	return a.Changes.Trigger(ctx, who, id, key, nil)
}

// AskedBefore gives the execution that [API.TriggerJob] has queued under a key since a time.
func (a *API) AskedBefore(ctx context.Context, who change.Caller, id, key string, since time.Time) (triggerID string, asked bool, err error) {
	return a.Changes.Asked(ctx, who, id, key, since)
}

// AskedLately gives the newest execution of a job that the caller has asked for since a time,
// under any key; "" = none.
func (a *API) AskedLately(ctx context.Context, who change.Caller, id string, since time.Time) (triggerID string, err error) {
	if _, err := a.Changes.Find(ctx, who, id); err != nil {
		return "", err
	}
	return a.Bus.StartedBy(ctx, id, who.Owner, since)
}

// trigger queues an execution, once for each Idempotency-Key, and answers with its identity.
func (a *API) trigger(w http.ResponseWriter, r *http.Request, jobID string, file *events.File) error {
	return a.queue(w, r, func(key string) (string, error) {
		return a.Changes.Trigger(r.Context(), a.Caller(r), jobID, key, file)
	})
}

func (a *API) queue(w http.ResponseWriter, r *http.Request, put func(key string) (triggerID string, err error)) error {
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	id, err := put(key)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusAccepted, triggered{id})
	return nil
}

type triggered struct {
	TriggerID string `json:"trigger_id"`
}
