package change

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/seal"
)

// Visible gives the parameters of a job as a caller may see them.
func (j *Jobs) Visible(who Caller, job events.Job) json.RawMessage {
	if who.MayWrite() != nil {
		return job.Visible(nil)
	}
	return job.Visible(j.openShown)
}

// Shown is [Jobs.Visible] in the form in which the native API takes parameters: those of
// a short job as its short form.
func (j *Jobs) Shown(who Caller, job events.Job) json.RawMessage {
	visible := j.Visible(who, job)
	o, err := events.ParseObject(visible)
	if err != nil || !events.IsShort(o) {
		return visible
	}
	return events.Encode(events.Shorten(o, job.Username, job.ID))
}

func (j *Jobs) openShown(closed, jobID, pointer string) (string, error) {
	key, ok := j.Sealer.ShownKey()
	if !ok {
		return "", errors.New("gateways have no key yet")
	}
	return key.Open(closed, jobID, pointer)
}

// conceal gives a job with other parameters, whose secrets it seals; where a mask
// stands, or a URL as it was shown, what was sealed stays. before are its parameters
// as operators see them, nil of a new job.
func (j *Jobs) conceal(ctx context.Context, who Caller, job events.Job, before, parameters events.Object) (events.Job, error) {
	c := concealing{jobs: j, who: who, old: job, urls: map[string]*urlChange{}, sums: map[string]string{}}
	for _, pointer := range events.URLPointers {
		u, err := c.url(pointer, before, &parameters)
		if err != nil {
			return job, err
		}
		c.urls[pointer] = u
	}
	var err error
	if job.Parameters, job.Secrets, err = events.Conceal(parameters, func(pointer, value string) (string, error) {
		return c.seal(ctx, pointer, value)
	}); err != nil {
		return job, err
	}
	job.Sums = c.sums
	job.URLs = maps.Clone(job.URLs) // the old job keeps its own
	for _, pointer := range events.URLPointers {
		hook, err := c.kept(ctx, pointer, job.Secrets)
		if err != nil {
			return job, err
		}
		job.SetURL(pointer, hook)
	}
	return job, nil
}

// concealing is one change of the parameters of a job.
type concealing struct {
	jobs *Jobs
	who  Caller
	old  events.Job
	urls map[string]*urlChange // by pointer
	sums map[string]string     // likewise
}

// urlChange is what becomes of one URL.
type urlChange struct {
	pointer string
	raw     json.RawMessage
	value   string
	shown   string       // as its operators saw it before
	same    bool         // it stays what it is
	role    *events.Role // that it is kept with; nil = the caller's
}

// url looks what becomes of the URL at a pointer. One that was stored in clear is
// put back, to be sealed now.
func (c *concealing) url(pointer string, before events.Object, parameters *events.Object) (*urlChange, error) {
	u := &urlChange{pointer: pointer}
	_, u.shown = events.URLAt(before, pointer)
	u.raw, u.value = events.URLAt(*parameters, pointer)
	u.same = u.value != "" && u.value == u.shown
	if err := c.judge(u, *parameters); err != nil {
		return nil, err
	}
	if !u.same || c.old.URL(pointer) != nil {
		return u, nil
	}
	var old events.Object
	if old, _ = events.ParseObject(c.old.Parameters); old != nil {
		u.raw, u.value = events.URLAt(old, pointer)
	}
	u.same, u.role = false, new(events.Role(""))
	var err error
	*parameters, err = events.WithURL(*parameters, pointer, u.raw)
	return u, err
}

// judge refuses masks where there is nothing behind them, and headers that would
// follow their URL to another host.
func (c *concealing) judge(u *urlChange, parameters events.Object) error {
	if u.same || u.value == "" {
		return nil
	}
	if events.HasMask(u.value) {
		return maskedURL(u.pointer)
	}
	if u.pointer != events.WebhookURLPointer || events.SameOrigin(u.shown, u.value) {
		return nil
	}
	_, err := events.MapSecrets(parameters, func(pointer, value string) (string, error) {
		if _, sealed := c.old.Secrets[pointer]; sealed && value == events.Mask && strings.HasPrefix(FieldOf(pointer), headersField+".") {
			return "", events.Faultf(events.Invalid, FieldOf(pointer),
				"was not given for the host that %s names now: send its value anew, or null to leave it out", FieldOf(u.pointer))
		}
		return value, nil
	})
	return err
}

func maskedURL(pointer string) error {
	return events.Faultf(events.Invalid, FieldOf(pointer), "has the mask in it that is shown in place of a secret: send the whole URL")
}

// seal keeps the sealed secret behind a mask, and seals what is no mask.
func (c *concealing) seal(ctx context.Context, pointer, value string) (string, error) {
	u := c.urls[pointer]
	if value == events.Mask || u != nil && u.same {
		sealed, ok := c.old.Secrets[pointer]
		if !ok {
			return "", masked(FieldOf(pointer))
		}
		if sum, ok := c.old.Sums[pointer]; ok {
			c.sums[pointer] = sum
		}
		return sealed, nil
	}
	if c.again(pointer, value) {
		return c.old.Secrets[pointer], nil
	}
	key, err := c.jobs.sealKey(ctx)
	if err != nil {
		return "", err
	}
	return key.Seal(value, c.old.ID, pointer)
}

// again reports whether a secret is the one that is sealed already, and keeps its hash.
// That is closed, since a guess at the secret could be tried on it.
func (c *concealing) again(pointer, value string) bool {
	key, ok := c.jobs.Sealer.ShownKey()
	if !ok {
		return false
	}
	hash := sha256.Sum256([]byte(value))
	sum := hex.EncodeToString(hash[:])
	if was, err := key.Open(c.old.Sums[pointer], c.old.ID, sumPointer+pointer); err == nil && was == sum {
		c.sums[pointer] = c.old.Sums[pointer]
		return c.old.Secrets[pointer] != ""
	}
	c.sums[pointer] = key.Close(sum, c.old.ID, sumPointer+pointer)
	return false
}

// sumPointer is where the hash of a secret is closed for, before the secret's own place.
const sumPointer = "sum"

// kept gives what is kept of a URL beside the parameters.
func (c *concealing) kept(ctx context.Context, pointer string, secrets map[string]string) (*events.JobWebhook, error) {
	u := c.urls[pointer]
	if u.value == "" {
		return nil, nil
	}
	role := c.who.Role
	if u.same {
		hook := *c.old.URL(pointer)
		if role != events.Admin && pointer == events.WebhookURLPointer && c.otherHost(secrets) {
			hook.Role = role
		}
		return &hook, nil
	}
	if u.role != nil {
		role = *u.role
	}
	hook := &events.JobWebhook{URL: events.PublicURL(u.value), Role: role}
	if hook.URL == u.value {
		return hook, nil
	}
	raw := u.raw
	if show := events.ShownURL(u.value); show != u.value {
		raw = events.Encode(show)
	}
	key, err := c.jobs.shownKey(ctx)
	if err != nil {
		return nil, err
	}
	hook.Shown = key.Close(string(raw), c.old.ID, pointer)
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

// sealKey gives the key to seal with. The dispatcher publishes it when it
// starts for the first time, which may be just now.
func (j *Jobs) sealKey(ctx context.Context) (seal.PublicKey, error) {
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
