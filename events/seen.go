package events

import "time"

// SeenFile names one content of a path in the ledger of files.
type SeenFile struct{ JobID, Path, Fingerprint string }

// SeenEntry is one content that a path has had, as the ledger holds it.
type SeenEntry struct {
	Fingerprint string
	TriggerID   string
	At          time.Time // when it was entered
	Ignored     bool      // it is not to be run: it lay there before the job was made, or was marked
	MarkedBy    string    // who has said that it has run; empty = nobody
	Held        bool      // it was not triggered: a [Held] says why
	Queued      bool      // it waits for its call, or is being called, where that was asked for
}

// Rerun asks for another run of the file that lies at a path. Its generation
// enters the file's fingerprint, so that the ledger, the trigger and the run
// have identities of their own, while those of the run before stay taken.
type Rerun struct {
	JobID      string    `json:"job_id"`
	File       string    `json:"path"`               // see [File.RawPath]
	FileB64    string    `json:"path_b64,omitempty"` //
	Generation string    `json:"generation"`         // a word of letters and digits
	By         string    `json:"by"`                 // the user who asked
	At         time.Time `json:"at"`                 //
}

// Path gives the exact bytes of the relative path.
func (r Rerun) Path() string { return (&File{Path: r.File, PathB64: r.FileB64}).RawPath() }
