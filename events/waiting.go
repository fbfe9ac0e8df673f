package events

import "time"

// WaitingFile is a file that lies in a watched folder and is not taken yet.
type WaitingFile struct {
	Path    string    `json:"path"` // see [File.Path]
	PathB64 string    `json:"path_b64,omitempty"`
	State   FileState `json:"state"`
	Since   time.Time `json:"since"`           // when that began, as far as the watcher saw
	Reason  string    `json:"reason,omitzero"` // what the system says of it

	FirstSeen time.Time `json:"first_seen,omitzero"`
	Modified  time.Time `json:"modified,omitzero"` // new: when it was changed last
	QuietMS   int64     `json:"quiet_ms,omitzero"` // new: for how long it is to be left alone
}

// RawPath gives the exact bytes of the path.
func (w WaitingFile) RawPath() string { return (&File{Path: w.Path, PathB64: w.PathB64}).RawPath() }

// WaitingFiles are those of one job that wait longest.
type WaitingFiles struct {
	JobID string        `json:"job_id"`
	At    time.Time     `json:"at"`
	Files []WaitingFile `json:"files"`
	More  int           `json:"more,omitzero"`  // that wait beside them
	Place string        `json:"place,omitzero"` // the machine of the watcher that says so
}

// MaxWaitingFiles is how many of them a watcher tells.
const MaxWaitingFiles = 200

// FileState says what a file in the folder of a job is waiting for, or why it is not for a run.
type FileState string

// States of a file that a watcher sees.
const (
	FileOpen       FileState = "open"       // a program has it open or mapped for writing
	FileUnreadable FileState = "unreadable" // it cannot be looked at or opened
	FileUnstaged   FileState = "unstaged"   // its copy for the run cannot be made
	FileYoung      FileState = "new"        // it is to be left alone for longer
)

// States of a file that a look at the folder tells.
const (
	FileAbsent      FileState = "absent"       // there is none
	FileNoFolder    FileState = "no_folder"    // the folder cannot be looked into
	FileNotAFile    FileState = "not_a_file"   // a folder, a link, a pipe, …
	FileIgnored     FileState = "ignored"      // by its name, or that of a folder
	FileNotIncluded FileState = "not_included" // spool.watch.include
	FileNotWatched  FileState = "not_watched"  // in a folder that is not watched
	FileUnmarked    FileState = "unmarked"     // waits for its marker
	FileTaken       FileState = "taken"        // the ledger knows it as it is
	FileUnseen      FileState = "unseen"       // nothing is in its way: a scan will find it
)
