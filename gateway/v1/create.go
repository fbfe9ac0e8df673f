package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/seal"
)

// maxHeaders bounds the webhook headers of a job: each becomes a sealed box,
// which takes the time and the room of many plain ones.
const maxHeaders = 100

func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	o, p, err := decodeCreate(body)
	if err != nil {
		return err
	}
	key, err := a.sealKey(r.Context())
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	job := events.Job{
		ID: uuid.NewString(), Username: a.Caller(r).Owner, Status: events.Enabled, Name: p.Name,
		CreatedOnNS: now.UnixNano(), EffectiveFrom: now,
	}
	job.Parameters, job.Secrets, err = events.Conceal(o, func(pointer, secret string) (string, error) {
		return key.Seal(secret, job.ID, pointer)
	})
	if err != nil {
		return err
	}
	if err := a.put(r.Context(), a.event(r, events.JobCreated, job), 0); err != nil {
		return err
	}
	a.Log.Info("job created", "job_id", job.ID, "user", job.Username)
	for _, warning := range warnings(p.Unknown) {
		w.Header().Add("Spool-Warning", warning)
		a.Log.Warn("a job has a key that means nothing", "job_id", job.ID, "warning", warning)
	}
	write(w, http.StatusOK, struct {
		Status events.Status `json:"status"`
		JobID  string        `json:"job_id"`
	}{events.OK, job.ID})
	return nil
}

// decodeCreate takes a create body apart and checks it. Every fault is an
// [events.Error] of code Invalid.
func decodeCreate(body []byte) (events.Object, *events.Parameters, error) {
	o, err := events.ParseObject(body)
	if err != nil {
		return nil, nil, err
	}
	p, err := events.ReadParameters(o)
	if err != nil {
		return nil, nil, err
	}
	const headers = "flow_parameters.settings.webhook_config.headers"
	if len(p.Webhook.Headers) > maxHeaders {
		return nil, nil, events.Faultf(events.Invalid, headers, "has %d headers; at most %d are allowed", len(p.Webhook.Headers), maxHeaders)
	}
	if p.AuthToken == events.Mask {
		return nil, nil, masked("flow_parameters.auth_token")
	}
	for _, h := range p.Webhook.Headers {
		if h.Value == events.Mask {
			return nil, nil, masked(headers + "." + h.Key)
		}
	}
	return o, p, nil
}

// masked refuses what list_jobs shows in place of a secret: stored, it would
// be used as the secret.
func masked(field string) error {
	return events.Faultf(events.Invalid, field, "is the mask that list_jobs shows, not a secret: send the secret itself")
}

// sealKey gives the key to seal with. The dispatcher publishes it when it
// starts for the first time, which may be just now.
func (a *API) sealKey(ctx context.Context) (seal.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if key, ok := a.Sealer.SealKey(); ok {
			return key, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return seal.PublicKey{}, events.Faultf(events.Unavailable, "", "secrets cannot be sealed before the dispatcher has started once: try again")
		}
	}
}
