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
	Role string `json:"role,omitzero"`

	// EffectiveFrom is when the job began to be what it is now: created,
	// enabled, or given another schedule or zone. No earlier slot is its own.
	EffectiveFrom time.Time `json:"effective_from"`

	// Parameters is the whole body that created the job, in the words of its
	// client, with secrets replaced by [Mask].
	Parameters json.RawMessage `json:"job_parameters,omitempty"`

	// Secrets are the values behind the masks, sealed, by JSON pointer into Parameters.
	Secrets map[string]string `json:"secrets,omitempty"`
}

// RoleAdmin is the role of administrators.
const RoleAdmin = "admin"

// ByAdmin reports whether a job is an administrator's, as far as the job knows:
// such a job has no quota.
func (j Job) ByAdmin() bool { return j.Role == RoleAdmin }

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
}
