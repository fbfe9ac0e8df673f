package events

import "time"

// Lease says which trigger may run in a job whose runs must not overlap. The zero lease
// is nobody's.
type Lease struct {
	TriggerID string    `json:"trigger_id"`
	StoredAt  time.Time `json:"stored_at"` // when that trigger was stored
}
