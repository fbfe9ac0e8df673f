package events

import "time"

// Subscriber is a program of somebody else that reacts to events. It reads one
// stream through one consumer that Spool makes, and reaches nothing else on NATS.
type Subscriber struct {
	Name    string    `json:"name"`
	Stream  string    `json:"stream"`
	JobID   string    `json:"job_id,omitempty"` // it sees this job's events only, and triggers no other
	Filter  string    `json:"filter"`           // subjects that it sees
	Trigger bool      `json:"may_trigger,omitzero"`
	By      string    `json:"by"`      // the administrator who made it, as whom it triggers
	Created time.Time `json:"created"` // also tells two of one name apart
	Expires time.Time `json:"expires,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// Consumer is the name of its consumer.
func (s Subscriber) Consumer() string { return "subscriber-" + s.Name }

// Open reports whether its credentials are good at a time.
func (s Subscriber) Open(now time.Time) bool {
	return s.Revoked.IsZero() && (s.Expires.IsZero() || now.Before(s.Expires))
}

// MayTrigger reports whether it may ask for runs at a time.
func (s Subscriber) MayTrigger(now time.Time) bool { return s.Trigger && s.Open(now) }
