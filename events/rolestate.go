package events

import "time"

// A role says every [RoleEvery] what it is and how it is; one that is not heard of for
// [RoleAwayAfter] is away. A role whose process has the store says so when that has changed,
// and at each whole [OwnRenew] of the clock.
const (
	RoleEvery     = 10 * time.Second
	RoleAwayAfter = 30 * time.Second
)

// RoleState is what a role says of itself and of the machine that it runs on.
type RoleState struct {
	Role     string    `json:"role"`
	Instance string    `json:"instance"` // the process: another one after each start
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	Version  string    `json:"version"`
	Since    time.Time `json:"since"`            // when the process started
	Clock    time.Time `json:"clock"`            // its clock, when it said this
	Ready    bool      `json:"ready"`            //
	Turned   time.Time `json:"turned"`           // since when it is ready, or not
	Why      []string  `json:"why,omitempty"`    // it is not ready, each as part: reason
	Held     string    `json:"held,omitzero"`    // why the store is on hold: see spool release
	Stopped  bool      `json:"stopped,omitzero"` // it was asked to stop, and says nothing more
	Holds    bool      `json:"holds,omitzero"`   // its process has the store, and no other machine has: it is there for as long as the store answers

	Place  string        `json:"place,omitzero"`   // of its machine; empty = its drives are those of all
	Boot   string        `json:"boot,omitzero"`    // the start of its machine, with a place
	Drives []ServedDrive `json:"drives,omitempty"` // that it serves there
	API    string        `json:"api,omitzero"`     // a gateway: where the gateways of other places reach it

	Machine  MachineState   `json:"machine"`
	Endpoint *EndpointState `json:"endpoint,omitempty"` // a dispatcher
	Waiting  *NoticesState  `json:"waiting,omitempty"`  // a notifier
	Answered Minute         `json:"answered,omitzero"`  // a cron that says every few seconds how it is: up to which minute nothing is owed
}

// MachineState is what a process sees of its machine. What it cannot see is zero.
type MachineState struct {
	Disks       []DiskState `json:"disks,omitempty"`
	Descriptors Usage       `json:"descriptors,omitzero"` // open files, and its limit
	Watches     Usage       `json:"watches,omitzero"`     // directory watches of this process, and the limit of its user
	Instances   Usage       `json:"instances,omitzero"`   // queues of directory watches, the same
	TZData      string      `json:"tzdata,omitzero"`      // version of the time zone database, and where it is from
	Certificate time.Time   `json:"certificate,omitzero"` // when that of its listener ends
	Step        ClockStep   `json:"step,omitzero"`        // the last of its clock
}

// ClockStep is that a clock was set while a process ran, or that its machine slept.
type ClockStep struct {
	At time.Time     `json:"at"`
	By time.Duration `json:"by"` // in ns; below 0 it was set back
}

// Usage is how much of something is taken.
type Usage struct {
	Used  int64 `json:"used"`
	Limit int64 `json:"limit"` // 0 = none is known
}

// DiskState is how much room a folder has.
type DiskState struct {
	Name    string `json:"name"` // what lies there: store, drives
	Path    string `json:"path"`
	Free    int64  `json:"free"`
	Total   int64  `json:"total"`
	Reserve int64  `json:"reserve,omitzero"` // what is kept free for the store
	Error   string `json:"error,omitzero"`   // why it cannot be told
}

// EndpointState is the circuit breaker of a dispatcher in front of its endpoint.
type EndpointState struct {
	Refuses time.Time `json:"refuses,omitzero"` // since when it refuses connections; zero = it takes them
	Reason  string    `json:"reason,omitzero"`  // the last error
	Next    time.Time `json:"next,omitzero"`    // when one call is let through
	Waiting int       `json:"waiting"`          // calls that wait for it
}

// NoticesState is what waits to be told, as the broker counts it.
type NoticesState struct {
	Webhooks int `json:"webhooks"`
	Mails    int `json:"mails"`
}

// StillThere brings what the roles have said up to the time at which the store answered: of the
// process that has the store now, all that has not stopped is there, whenever it said so.
func StillThere(all []HeardRole, answered time.Time) {
	newest := HeardRole{}
	for _, h := range all {
		if h.Holds && h.Since.After(newest.Since) {
			newest = h
		}
	}
	for i := range all {
		if h := &all[i]; h.Holds && !h.Stopped && h.Instance == newest.Instance && answered.After(h.At) {
			h.Clock, h.At = h.Clock.Add(answered.Sub(h.At)), answered
		}
	}
}
