package events

import "time"

// Downtime is a time in which nobody answered for slots: from the last minute that was
// answered for until somebody did so again.
type Downtime struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}
