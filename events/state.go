package events

import (
	"strings"
	"time"
)

// What services say that they are doing is kept for [StateKept], and said again by whoever is there at each
// whole [StateRenew] of the clock. What the process says that has the only store is said again at each whole
// [OwnRenew] and kept for [OwnKept]: while that store answers, the process is there, and a disk that sleeps
// stays asleep.
const (
	StateKept  = time.Hour
	StateRenew = 30 * time.Minute
	OwnKept    = 25 * time.Hour
	OwnRenew   = 12 * time.Hour
)

// WatchState is what a watcher is doing with the folder of one job now.
type WatchState struct {
	JobID    string      `json:"job_id"`
	State    FolderState `json:"state"`
	Since    time.Time   `json:"since"`
	HostPath string      `json:"host_path"`          // where the watcher looks
	Reason   string      `json:"reason,omitzero"`    // why it is not live
	Pending  int         `json:"pending"`            // files seen and not yet committed
	Unmarked int         `json:"unmarked,omitzero"`  // files without the marker that they must have, at the last scan
	Note     string      `json:"note,omitzero"`      // what is done otherwise than usual: longer waits, copies
	LastScan time.Time   `json:"last_scan,omitzero"` // end of the last complete scan
	Held     int         `json:"held,omitzero"`      // files that are held, see [Held]
	Ring     string      `json:"ring,omitzero"`      // of one of them
	Ignore   string      `json:"ignore,omitzero"`    // of the same one

	Looked  int `json:"looked,omitzero"`  // files that the last complete scan looked at
	Ignored int `json:"ignored,omitzero"` // those of them that a rule leaves alone

	OldestPending time.Time `json:"oldest_pending,omitzero"` // when the file was first seen that has waited longest

	Place    string `json:"place,omitzero"`    // the machine of the watcher; empty = the folder is that of all
	Shared   bool   `json:"shared,omitzero"`   // every machine that serves the drive has the same folder
	Unserved bool   `json:"unserved,omitzero"` // no machine serves the drive: a watcher elsewhere says so
}

// FolderState is what a watcher can say of a folder; the package comment of watcher has
// a table of what leads to each.
type FolderState string

const (
	FolderAbsent  FolderState = "absent"  // nothing is at the path
	FolderArming  FolderState = "arming"  // found, not yet scanned
	FolderLive    FolderState = "live"    // watched and scanned
	FolderRescan  FolderState = "rescan"  // reports were lost; a full scan is due
	FolderPoll    FolderState = "poll"    // cannot be watched
	FolderBlocked FolderState = "blocked" // cannot be read, or does not answer
)

// Away reports whether no file in the folder can be seen.
func (s FolderState) Away() bool { return s == FolderAbsent || s == FolderBlocked }

// RetryState is what a dispatcher is waiting for on behalf of one job.
type RetryState struct {
	JobID     string    `json:"job_id"`
	TriggerID string    `json:"trigger_id"` // the one that is called next
	Attempt   int       `json:"attempt"`    // calls of it that have failed
	LastError string    `json:"last_error"`
	Next      time.Time `json:"next"`    // when it is called
	Waiting   int       `json:"waiting"` // how many of the job wait

	Gate     time.Time      `json:"gate,omitzero"`      // since when the endpoint is only probed
	Triggers []RetryTrigger `json:"triggers,omitempty"` // those that are called next, at most [MaxRetryTriggers]
}

// RetryTrigger is one trigger that waits for its next call.
type RetryTrigger struct {
	TriggerID string    `json:"trigger_id"`
	Attempt   int       `json:"attempt"` // calls of it that have failed
	LastError string    `json:"last_error"`
	Next      time.Time `json:"next"`
	Last      time.Time `json:"last,omitzero"` // when the last call began, as far as the dispatcher has made it
}

// MaxRetryTriggers is how many triggers of a job a dispatcher tells of one by one.
const MaxRetryTriggers = 50

// RunnerState is what a built-in runner says of itself: the flows that it starts
// are those of everybody who may write them.
type RunnerState struct {
	Host        string   `json:"host"`
	Pool        string   `json:"pool"`
	Sandbox     string   `json:"sandbox"`               // as it was asked for: auto, required, best-effort, off
	Unmet       []string `json:"unmet,omitempty"`       // what is not kept from flows, and what would
	StepTimeout string   `json:"step_timeout,omitzero"` // see [StepTimeoutOf]; empty = nothing was given
	Direct      bool     `json:"direct,omitzero"`       // the runs of jobs go elsewhere
	Reads       []string `json:"reads,omitempty"`       // what of the host flows may read and execute; empty = all that the runner may
	Path        string   `json:"path,omitzero"`         // PATH of flows

	Profiles []Profile `json:"profiles,omitempty"` // that jobs may name, as [Profile.Shown]
}

// SandboxAuto is the sandbox that somebody else's flows need whole.
const SandboxAuto = "auto"

// AdmitWriter refuses a token for somebody who may write flows and is no
// administrator, when a runner would not keep those flows in.
func AdmitWriter(runners []RunnerState) error {
	for _, r := range runners {
		if r.Sandbox == SandboxAuto && len(r.Unmet) > 0 {
			return Faultf(Conflict, "role", "the runner on %s cannot shut in the flows of somebody who is no administrator: %s (--sandbox best-effort goes without)",
				r.Host, strings.Join(r.Unmet, "; "))
		}
	}
	return nil
}
