package events

import "time"

// WatchState is what a watcher is doing with the folder of one job now.
type WatchState struct {
	JobID    string    `json:"job_id"`
	State    string    `json:"state"`              // absent, arming, live, rescan, poll, blocked
	Since    time.Time `json:"since"`              //
	HostPath string    `json:"host_path"`          // where the watcher looks
	Reason   string    `json:"reason,omitzero"`    // why it is not live
	Pending  int       `json:"pending"`            // files seen and not yet committed
	Unmarked int       `json:"unmarked,omitzero"`  // files without the marker that they must have, at the last scan
	Note     string    `json:"note,omitzero"`      // what is done otherwise than usual: longer waits, copies
	LastScan time.Time `json:"last_scan,omitzero"` // end of the last complete scan

	OldestPending time.Time `json:"oldest_pending,omitzero"` // when the file was first seen that has waited longest
}

// RetryState is what a dispatcher is waiting for on behalf of one job.
type RetryState struct {
	JobID     string    `json:"job_id"`
	TriggerID string    `json:"trigger_id"` // the one that is called next
	Attempt   int       `json:"attempt"`    // calls of it that have failed
	LastError string    `json:"last_error"`
	Next      time.Time `json:"next"`    // when it is called
	Waiting   int       `json:"waiting"` // how many of the job wait
}
