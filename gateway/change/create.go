package change

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"spool.internal/events"
)

// maxHeaders bounds the webhook headers of a job: each becomes a sealed box,
// which takes the time and the room of many plain ones.
const maxHeaders = 100

const headersField = "flow_parameters.settings.webhook_config.headers"

// read reads and checks the parameters of a job, whose secrets may be masked.
// Every fault is an [events.Error] of code Invalid.
func read(o events.Object) (*events.Parameters, error) {
	p, err := events.ReadParameters(o)
	if err != nil {
		return nil, err
	}
	if err := checkName(p.Name); err != nil {
		return nil, err
	}
	if err := p.Options.Watch.Check(); err != nil {
		return nil, err
	}
	if len(p.Webhook.Headers) > maxHeaders {
		return nil, events.Faultf(events.Invalid, headersField, "has %d headers; at most %d are allowed", len(p.Webhook.Headers), maxHeaders)
	}
	return p, nil
}

// maxName is the length of a job's name, in characters.
const maxName = 255

// visible reports whether people see a character. Some letters and symbols are blank.
func visible(c rune) bool {
	return unicode.In(c, unicode.L, unicode.N, unicode.P, unicode.S) && !strings.ContainsRune("\u115f\u1160\u2800\u3164\uffa0", c)
}

// checkName refuses names that people could not read or search for.
func checkName(name string) error {
	switch {
	case strings.ContainsRune(name, 0):
		return events.Faultf(events.Invalid, "name", "has a NUL character: leave it out")
	case !strings.ContainsFunc(name, visible):
		return events.Faultf(events.Invalid, "name", "consists of blanks: give the job a name that people can read")
	case utf8.RuneCountInString(name) > maxName:
		return events.Faultf(events.Invalid, "name", "has %d characters; at most %d are allowed", utf8.RuneCountInString(name), maxName)
	}
	return nil
}

// ReadNew reads and checks the parameters of a job that is to be made.
func ReadNew(o events.Object) (*events.Parameters, error) {
	p, err := read(o)
	if err != nil {
		return nil, err
	}
	if p.AuthToken == events.Mask {
		return nil, masked("flow_parameters.auth_token")
	}
	for _, h := range p.Webhook.Headers {
		if h.Value == events.Mask {
			return nil, masked(headersField + "." + h.Key)
		}
	}
	for pointer, url := range map[string]string{
		events.WebhookURLPointer: p.Webhook.URL, events.NotifyURLPointer: p.Options.Notify.Webhook, events.HeartbeatPointer: p.Options.Heartbeat,
	} {
		if events.HasMask(url) {
			return nil, maskedURL(pointer)
		}
	}
	for _, s := range p.Options.Run.Secrets {
		if s.Value == events.Mask {
			return nil, masked(FieldOf(s.Pointer()))
		}
	}
	return p, nil
}

// masked refuses what is shown in place of a secret: stored, it would be used
// as the secret.
func masked(field string) error {
	return events.Faultf(events.Invalid, field, "is the mask that list_jobs shows, not a secret: send the secret itself")
}

// Draft is a job that is to be made.
type Draft struct {
	ID         string
	Parameters *events.Parameters
	Disabled   bool          // it is made disabled
	object     events.Object // the same, as it is stored
	request    Request
}

// Draft reads and checks the parameters of a job that a caller wants to make.
func (j *Jobs) Draft(ctx context.Context, who Caller, o events.Object) (Draft, error) {
	return j.DraftOf(ctx, who, Request{}, o)
}

// DraftOf is [Jobs.Draft] of a request that may be sent again.
func (j *Jobs) DraftOf(ctx context.Context, who Caller, r Request, o events.Object) (Draft, error) {
	d := Draft{ID: r.ID, request: r}
	switch {
	case j.dry:
		d.ID = uuid.Nil.String()
	case d.ID == "":
		d.ID = uuid.NewString()
	}
	var err error
	if d.object, err = events.Complete(o, who.Owner, d.ID); err != nil {
		return d, err
	}
	if d.Parameters, err = ReadNew(d.object); err != nil {
		return d, err
	}
	if err := j.runsHere(ctx, d.Parameters); err != nil {
		return d, err
	}
	return d, j.mayName(ctx, who, events.Job{Username: who.Owner}, d.Parameters)
}

// madeDisabled is the reason of a job that has never been enabled.
const madeDisabled = "made disabled"

// Create stores a job.
func (j *Jobs) Create(ctx context.Context, who Caller, d Draft) (events.JobRevision, error) {
	if err := j.allows(who, d.Parameters); err != nil {
		return events.JobRevision{}, err
	}
	now := time.Now().UTC()
	job := events.Job{
		ID: d.ID, Username: who.Owner, Status: events.Enabled, Name: d.Parameters.Name,
		CreatedOnNS: now.UnixNano(), EffectiveFrom: now,
	}
	if d.Disabled || d.Parameters.Options.Shadow {
		job.Status = events.Disabled
		job.Disabled = &events.Disabling{By: who.Owner, At: now, Reason: madeDisabled}
	}
	job.Key, job.ManagedBy = d.Parameters.Options.Key, d.Parameters.Options.ManagedBy
	if d.request.sum != "" {
		key, err := j.shownKey(ctx)
		if err != nil {
			return events.JobRevision{}, err
		}
		job.Request = key.Close(d.request.sum, d.ID, requestPointer)
	}
	job, err := j.conceal(ctx, who, job, nil, d.object)
	if err != nil {
		return events.JobRevision{}, err
	}
	rev, err := j.first(ctx, who, job)
	if err == nil && !j.dry {
		j.Log.Info("job created", "job_id", job.ID, "user", job.Username)
	}
	return rev, err
}

// first stores the first event of a job. When somebody was first with its key, the next
// look says who; when with its id, it is the job of the same request.
func (j *Jobs) first(ctx context.Context, who Caller, job events.Job) (rev events.JobRevision, err error) {
	for range maxTries {
		rev, err = j.put(ctx, who, events.JobCreated, job, events.JobRevision{})
		if !conflicts(err) {
			return rev, err
		}
		if _, found, lost := j.Store.LastJob(ctx, job.ID); found || lost != nil {
			return rev, err
		}
	}
	return rev, err
}
