package why

import (
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// Answer is a sentence, and what it is made of.
type Answer struct {
	Sentence string `json:"sentence"`
	Code     Code   `json:"code"`
	Facts    Facts  `json:"facts"`
}

// Code says what a sentence says, in one word; the package comment lists them.
type Code string

// Facts are what is known. What is not known, or does not matter, is zero.
type Facts struct {
	Timezone string `json:"timezone,omitzero"`

	// A slot, or another reason to run.
	Slot      time.Time      `json:"slot,omitzero"`
	Verdict   events.Ruling  `json:"verdict,omitzero"`
	Mark      schedule.Mark  `json:"mark,omitzero"`
	Wall      string         `json:"wall,omitzero"` // the nominal time that a change of clocks left out, or repeats: HH:MM
	Kind      events.Kind    `json:"kind,omitzero"`
	TriggerID string         `json:"trigger_id,omitzero"`
	Triggered time.Time      `json:"triggered,omitzero"` // when its trigger was stored
	Lateness  *int64         `json:"lateness_ms,omitempty"`
	Outcome   events.Outcome `json:"outcome,omitzero"`
	How       string         `json:"outcome_why,omitzero"`
	Duration  *int64         `json:"duration_ms,omitempty"` // of the run
	Outputs   *int           `json:"outputs,omitempty"`     // files that it wrote

	// Calls.
	Attempts  int       `json:"attempts,omitzero"` // that were made
	LastError string    `json:"last_error,omitzero"`
	Next      time.Time `json:"next,omitzero"`     // call, attempt or slot
	Reboot    bool      `json:"reboot,omitzero"`   // it comes with the next start of the machine
	GivesUp   time.Time `json:"gives_up,omitzero"` // when no more calls are made
	Gate      string    `json:"gate,omitzero"`     // why the endpoint is not called now
	Waiting   int       `json:"waiting,omitzero"`  // triggers of the job

	// Slots that did not run.
	Down       *Span     `json:"down,omitempty"`       // when Spool was not running
	RunInstead time.Time `json:"run_instead,omitzero"` // the newer slot
	Slots      int       `json:"slots,omitzero"`       // that were missed together
	CatchUp    string    `json:"catch_up,omitzero"`
	Blocker    *Run      `json:"blocker,omitempty"`
	Answered   time.Time `json:"answered,omitzero"` // by the clock: the last minute

	Ran       time.Time   `json:"ran,omitzero"` // for a wall time that did not exist
	Nearest   []time.Time `json:"nearest,omitempty"`
	KnownFrom time.Time   `json:"known_from,omitzero"`

	// Who did what.
	By     string    `json:"by,omitzero"`
	At     time.Time `json:"at,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitzero"`

	// A file.
	Path           string           `json:"path,omitzero"`
	PathB64        string           `json:"path_b64,omitzero"`
	State          events.FileState `json:"state,omitzero"`
	Since          time.Time        `json:"since,omitzero"`
	Modified       time.Time        `json:"modified,omitzero"`
	Quiet          int64            `json:"quiet_ms,omitzero"`
	Marker         string           `json:"marker,omitzero"`
	Rule           string           `json:"rule,omitzero"` // by which it is left alone, as the end of a sentence
	Position       int              `json:"position,omitzero"`
	Calling        int              `json:"calling,omitzero"`
	MaxConcurrency int              `json:"max_concurrency,omitzero"`
	Ring           string           `json:"ring,omitzero"`
	Ignore         string           `json:"ignore,omitzero"`
	Folder         *Folder          `json:"folder,omitempty"`
	Seen           time.Time        `json:"first_seen,omitzero"`
	Complete       time.Time        `json:"complete,omitzero"`
	Came           events.Came      `json:"complete_how,omitzero"`
	Queued         time.Time        `json:"queued,omitzero"`
	Called         time.Time        `json:"called,omitzero"` // the last call
	Started        time.Time        `json:"started,omitzero"`
	Ended          time.Time        `json:"ended,omitzero"`
	Timeline       []Step           `json:"timeline,omitempty"`
}

// Span is a stretch of time.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Run is the run that had not ended.
type Run struct {
	TriggerID string    `json:"trigger_id"`
	Slot      time.Time `json:"slot,omitzero"`
	Path      string    `json:"path,omitzero"` // of the file that it was for
	Started   time.Time `json:"started,omitzero"`
	Duration  *int64    `json:"duration_ms,omitempty"` // nil: it runs, or is not kept
}

// Folder is what a watcher does with the folder of a job.
type Folder struct {
	State   events.FolderState `json:"state"`
	Since   time.Time          `json:"since,omitzero"`
	Path    string             `json:"path,omitzero"` // where it looks
	Reason  string             `json:"reason,omitzero"`
	Looked  time.Time          `json:"looked,omitzero"`
	Files   int                `json:"files,omitzero"`   // that it looked at then
	Ignored int                `json:"ignored,omitzero"` // of them, by a rule

	Unserved bool `json:"unserved,omitzero"` // no machine serves its drive
}

// FolderOf is what a watcher says of a folder; nil where none says anything.
func FolderOf(w *events.WatchState) *Folder {
	if w == nil {
		return nil
	}
	return &Folder{
		State: w.State, Since: w.Since.UTC(), Path: w.HostPath, Reason: w.Reason,
		Looked: w.LastScan.UTC(), Files: w.Looked, Ignored: w.Ignored, Unserved: w.Unserved,
	}
}
