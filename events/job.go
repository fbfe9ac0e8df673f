package events

import (
	"encoding/json"
	"time"
)

// JobStatus says whether a job's slots and files lead to runs.
type JobStatus string

const (
	Enabled  JobStatus = "ENABLED"
	Disabled JobStatus = "DISABLED"
)

// Job is a job as it stands after its newest [JobEvent].
type Job struct {
	ID          string    `json:"job_id"`
	Username    string    `json:"username"` // its owner
	Status      JobStatus `json:"status"`
	Name        string    `json:"name"`
	CreatedOnNS int64     `json:"created_on_ns"` // ns since 1970

	// Role is that of the token with which its owner made the job or changed it
	// last. Empty: that was before roles were kept.
	Role Role `json:"role,omitzero"`

	// EffectiveFrom is when the job began to be what it is now: created,
	// enabled, or given another schedule or zone. No earlier slot is its own.
	EffectiveFrom time.Time `json:"effective_from"`

	// Key is spool.key of the parameters, which no other job of its owner has, and
	// ManagedBy is spool.managed_by; empty in jobs from before there were any.
	Key       string `json:"key,omitzero"`
	ManagedBy string `json:"managed_by,omitzero"`

	// Request is what the request said that made the job under an idempotency key: its
	// hash, closed for gateways, since a guess at a secret in it could be tried.
	Request string `json:"request,omitzero"`

	// Parameters is the whole body that created the job, in the words of its
	// client, with secrets replaced by [Mask].
	Parameters json.RawMessage `json:"job_parameters,omitempty"`

	// Disabled says who disabled the job, and why; nil while it is enabled, and in
	// jobs that were disabled before this was kept.
	Disabled *Disabling `json:"disabled,omitempty"`

	// Secrets are the values behind the masks, sealed, by JSON pointer into Parameters.
	Secrets map[string]string `json:"secrets,omitempty"`

	// Sums are the hashes of the secrets, closed for gateways: sent again, a secret
	// changes nothing. Jobs that were stored before have none.
	Sums map[string]string `json:"sums,omitempty"`

	// Webhook is kept of the URL of the job's webhook. Nil: there is none, or the
	// job was stored before URLs were sealed, and Parameters have it in clear.
	Webhook *JobWebhook `json:"webhook,omitempty"`

	// URLs are the same of the other [URLPointers].
	URLs map[string]*JobWebhook `json:"urls,omitempty"`
}

// JobWebhook is what is kept of a URL beside the parameters.
type JobWebhook struct {
	URL   string `json:"url"`            // what [PublicURL] leaves of it, as in the parameters
	Shown string `json:"shown,omitzero"` // what [ShownURL] leaves of it, as JSON, closed for gateways; empty when that is URL
	Role  Role   `json:"role"`           // of the token that set it; one of an administrator's may go to private networks
}

// Disabling is why a job has no effect.
type Disabling struct {
	By     string    `json:"by"` // user, or [HoldAfter]
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitzero"` // a sentence
	Until  time.Time `json:"until,omitzero"`  // a gateway enables it then, in the name of [ByUntil]
}

// ByUntil stands in place of a user where a job is enabled because the time has come
// until which it was disabled.
const ByUntil = "until"

// ByAdmin reports whether a job is an administrator's, as far as the job knows:
// such a job has no quota.
func (j Job) ByAdmin() bool { return j.Role == Admin }

// PrivateWebhook reports whether the job's webhook may go to private networks: an
// administrator's token set its URL, or it was stored before that was kept.
func (j *Job) PrivateWebhook() bool {
	return j.Webhook == nil || j.Webhook.Role == "" || j.Webhook.Role == Admin
}

// PrivateURL is [Job.PrivateWebhook] for any of the [URLPointers].
func (j *Job) PrivateURL(pointer string) bool {
	if pointer == WebhookURLPointer {
		return j.PrivateWebhook()
	}
	hook := j.URLs[pointer]
	return hook != nil && hook.Role == Admin
}

// URL gives what is kept of the URL at a pointer, or nil.
func (j *Job) URL(pointer string) *JobWebhook {
	if pointer == WebhookURLPointer {
		return j.Webhook
	}
	return j.URLs[pointer]
}

// SetURL keeps it; nil forgets it.
func (j *Job) SetURL(pointer string, hook *JobWebhook) {
	switch {
	case pointer == WebhookURLPointer:
		j.Webhook = hook
	case hook == nil:
		delete(j.URLs, pointer)
	default:
		if j.URLs == nil {
			j.URLs = map[string]*JobWebhook{}
		}
		j.URLs[pointer] = hook
	}
}

// Change names what a [JobEvent] did.
type Change string

const (
	JobCreated  Change = "created"
	JobUpdated  Change = "updated"
	JobEnabled  Change = "enabled"
	JobDisabled Change = "disabled"
	JobDeleted  Change = "deleted"
)

// JobEvent is one change of one job. The newest event of a job is the job; the
// older ones are its audit trail.
type JobEvent struct {
	Event Change    `json:"event"`
	By    string    `json:"by"`   // user
	At    time.Time `json:"at"`   //
	From  string    `json:"from"` // address of the caller
	Job   Job       `json:"job"`  // deleted: only id, owner and name

	Reason string `json:"reason,omitzero"`  // disabled: why
	Bulk   string `json:"bulk_id,omitzero"` // the action on many jobs that it is part of, see [Bulk]

	Before int64 `json:"before,omitzero"` // about what the job's older events take up, in bytes
	Older  int   `json:"older,omitzero"`  // how many those are
}

// JobOverhead is about what JOBS keeps of an event beside its body: its subject
// and its headers, in bytes.
const JobOverhead = 500

// Size is about what JOBS keeps of the event, in bytes.
func (ev JobEvent) Size() int64 { return int64(len(Encode(ev))) + JobOverhead }
