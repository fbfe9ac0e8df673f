package events

import "time"

// Boot is one start of a host.
type Boot struct {
	Host string    `json:"host"` // its name
	ID   string    `json:"id"`   // differs from that of any other start
	At   time.Time `json:"at"`
}
