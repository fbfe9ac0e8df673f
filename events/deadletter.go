package events

import "time"

// DeadLetter is what could not be delivered, and how its last call came out.
type DeadLetter struct {
	Seq     uint64    `json:"-"` // its place among the dead letters
	At      time.Time `json:"-"` // when it was stored
	Trigger Trigger   `json:"trigger"`
	Result  Result    `json:"result"`
}
