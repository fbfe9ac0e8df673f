package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/seal"
)

const urlField = "flow_parameters.settings.webhook_config.url"

// Visible gives the parameters of a job as a caller may see them.
func (j *Jobs) Visible(who Caller, job events.Job) json.RawMessage {
	if who.MayChange() != nil {
		return job.Visible(nil)
	}
	return job.Visible(j.openShown)
}

func (j *Jobs) openShown(closed, jobID, pointer string) (string, error) {
	key, ok := j.Sealer.ShownKey()
	if !ok {
		return "", errors.New("gateways have no key yet")
	}
	return key.Open(closed, jobID, pointer)
}

// Editable gives the parameters that a change of a job begins with: those that
// its operators see, with masks in place of secrets.
func (j *Jobs) Editable(job events.Job) (events.Object, error) {
	o, err := events.ParseObject(job.Visible(j.openShown))
	if err != nil {
		return nil, fmt.Errorf("parameters of job %s: %s", job.ID, err) //nolint:errorlint // is no fault of the caller's
	}
	return o, nil
}

// Conceal gives a job with other parameters, whose secrets it seals; where a mask
// stands, or the URL of the webhook as it was shown, what was sealed stays.
func (j *Jobs) Conceal(ctx context.Context, who Caller, job events.Job, parameters events.Object) (events.Job, error) {
	c := concealing{jobs: j, who: who, old: job}
	if len(job.Parameters) > 0 {
		before, err := j.Editable(job)
		if err != nil {
			return job, err
		}
		_, c.shown = events.WebhookURL(before)
	}
	raw, value := events.WebhookURL(parameters)
	c.same = value != "" && value == c.shown
	if err := c.judge(parameters, value); err != nil {
		return job, err
	}
	if c.same && job.Webhook == nil { // it was stored in clear; it is sealed now
		var old events.Object
		if old, _ = events.ParseObject(job.Parameters); old != nil {
			raw, value = events.WebhookURL(old)
		}
		c.same = false
		var err error
		if parameters, err = events.WithWebhookURL(parameters, raw); err != nil {
			return job, err
		}
		c.role = new("")
	}
	var err error
	if job.Parameters, job.Secrets, err = events.Conceal(parameters, func(pointer, value string) (string, error) {
		return c.seal(ctx, pointer, value)
	}); err != nil {
		return job, err
	}
	job.Webhook, err = c.webhook(ctx, raw, value, job.Secrets)
	return job, err
}

// concealing is one change of the parameters of a job.
type concealing struct {
	jobs  *Jobs
	who   Caller
	old   events.Job
	shown string  // its URL as its operators see it
	same  bool    // the URL stays what it is
	role  *string // that the URL is kept with; nil = the caller's
}

// judge refuses masks where there is nothing behind them, and headers that would
// follow their URL to somebody else.
func (c *concealing) judge(parameters events.Object, value string) error {
	if c.same || value == "" {
		return nil
	}
	if events.HasMask(value) {
		return maskedURL()
	}
	if events.SameOrigin(c.shown, value) {
		return nil
	}
	_, err := events.MapSecrets(parameters, func(pointer, value string) (string, error) {
		if _, sealed := c.old.Secrets[pointer]; sealed && value == events.Mask && pointer != events.TokenPointer {
			return "", events.Faultf(events.Invalid, FieldOf(pointer),
				"was not given for the host that %s names now: send its value anew, or null to leave it out", urlField)
		}
		return value, nil
	})
	return err
}

func maskedURL() error {
	return events.Faultf(events.Invalid, urlField, "has the mask in it that is shown in place of a secret: send the whole URL")
}

// seal keeps the sealed secret behind a mask, and seals what is no mask.
func (c *concealing) seal(ctx context.Context, pointer, value string) (string, error) {
	if value == events.Mask || c.same && pointer == events.WebhookURLPointer {
		if sealed, ok := c.old.Secrets[pointer]; ok {
			return sealed, nil
		}
		return "", Masked(FieldOf(pointer))
	}
	key, err := c.jobs.SealKey(ctx)
	if err != nil {
		return "", err
	}
	return key.Seal(value, c.old.ID, pointer)
}

// webhook gives what is kept of the URL beside the parameters.
func (c *concealing) webhook(ctx context.Context, raw json.RawMessage, value string, secrets map[string]string) (*events.JobWebhook, error) {
	if value == "" {
		return nil, nil
	}
	role := string(c.who.Role)
	if c.same {
		hook := *c.old.Webhook
		if role != events.RoleAdmin && c.otherHost(secrets) {
			hook.Role = role
		}
		return &hook, nil
	}
	if c.role != nil {
		role = *c.role
	}
	hook := &events.JobWebhook{URL: events.PublicURL(value), Role: role}
	if hook.URL == value {
		return hook, nil
	}
	if show := events.ShownURL(value); show != value {
		raw = events.Encode(show)
	}
	key, err := c.jobs.shownKey(ctx)
	if err != nil {
		return nil, err
	}
	hook.Shown = key.Close(string(raw), c.old.ID, events.WebhookURLPointer)
	return hook, nil
}

// otherHost reports whether the header changes that says whom the URL's address is asked for.
func (c *concealing) otherHost(secrets map[string]string) bool {
	host := func(secrets map[string]string) string {
		for pointer, sealed := range secrets {
			if name := pointer[strings.LastIndexByte(pointer, '/')+1:]; http.CanonicalHeaderKey(name) == "Host" {
				return sealed
			}
		}
		return ""
	}
	return host(c.old.Secrets) != host(secrets)
}

// FieldOf spells the pointer of a secret as faults spell fields.
func FieldOf(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}

// SealKey gives the key to seal with. The dispatcher publishes it when it
// starts for the first time, which may be just now.
func (j *Jobs) SealKey(ctx context.Context) (seal.PublicKey, error) {
	return await(ctx, j.Sealer.SealKey, "secrets cannot be sealed before the dispatcher has started once: try again")
}

func (j *Jobs) shownKey(ctx context.Context) (*seal.Shared, error) {
	return await(ctx, j.Sealer.ShownKey, "the gateways have no key for URLs yet: try again")
}

// await waits a moment for a key that is being made.
func await[T any](ctx context.Context, get func() (T, bool), missing string) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		key, ok := get()
		if ok {
			return key, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return key, events.Faultf(events.Unavailable, "", "%s", missing)
		}
	}
}
