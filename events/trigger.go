package events

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"
)

// Kind says why a trigger exists.
type Kind string

const (
	KindCron   Kind = "cron"   // a slot of the schedule came
	KindManual Kind = "manual" // somebody asked
	KindFile   Kind = "file"   // a complete file lies in the folder
	KindRetry  Kind = "retry"  // a dead letter is tried again; the trigger keeps its first identity
)

// Trigger asks for one execution of one job.
type Trigger struct {
	ID     string    `json:"id"`              // see [CronTriggerID], [ManualTriggerID], [FileTriggerID]
	JobID  string    `json:"job_id"`          //
	Kind   Kind      `json:"kind"`            //
	JobSeq uint64    `json:"job_seq"`         // sequence in JOBS that a reader must have seen before it calls the job unknown
	At     time.Time `json:"at"`              // when it was decided
	By     string    `json:"by,omitzero"`     // manual: the user who asked
	Minute int64     `json:"minute,omitzero"` // cron: the slot, in minutes since 1970 UTC
	File   *File     `json:"file,omitempty"`  // file: which

	RerunOf string `json:"rerun_of,omitzero"` // manual: the first trigger of what is run again
}

// File is the file that a trigger is about.
type File struct {
	Path        string `json:"path"`               // below the watched folder; replacement characters where it is not UTF-8
	Name        string `json:"name,omitzero"`      // in results: the last element of Path
	PathB64     string `json:"path_b64,omitempty"` // the exact bytes, only where Path is not exact
	Fingerprint string `json:"fingerprint"`        // 128 bits, hex
	Size        int64  `json:"size"`               // bytes
	ModifiedNS  int64  `json:"modified_ns"`        // modification time, ns since 1970
	InputDir    string `json:"input_dir"`          // logical folder that holds this file alone
	Linked      bool   `json:"linked,omitempty"`   // the stage is a hard link: its content can still change

	// Chain is the jobs whose runs led to the file, oldest first: the last wrote it.
	Chain []string `json:"chain,omitempty"`
}

// CronTriggerID names the trigger of one slot.
func CronTriggerID(jobID string, minute int64) string {
	return "cron:" + jobID + ":" + strconv.FormatInt(minute, 10)
}

// ManualTriggerID names a trigger that somebody asked for; id is a UUID of version 7.
func ManualTriggerID(jobID, id string) string { return "manual:" + jobID + ":" + id }

// FileTriggerID names the trigger of one file.
func FileTriggerID(jobID, fingerprint string) string { return "file:" + jobID + ":" + fingerprint }

// NewFile describes a file by the bytes of its relative path.
func NewFile(path string) *File {
	if utf8.ValidString(path) {
		return &File{Path: path}
	}
	return &File{Path: toValid(path), PathB64: base64.StdEncoding.EncodeToString([]byte(path))}
}

// RawPath gives the exact bytes of the relative path.
func (f *File) RawPath() string {
	if f.PathB64 != "" {
		if raw, err := base64.StdEncoding.DecodeString(f.PathB64); err == nil {
			return string(raw)
		}
	}
	return f.Path
}

// Look tells what the staged file looks like for as long as nobody has
// rewritten it. It is empty where the stage is a copy, which nobody can rewrite.
func (f *File) Look() string {
	if !f.Linked {
		return ""
	}
	return strconv.FormatInt(f.Size, 10) + " " + strconv.FormatInt(f.ModifiedNS, 10)
}

func toValid(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s { // ranging yields utf8.RuneError for every bad byte
		out = append(out, r)
	}
	return string(out)
}

// Clock is how far the slots of all jobs have been committed. Every slot of a
// minute up to From is done; of those in (From, Minute], the jobs up to Cursor
// are done; an empty Cursor means all of them. JobsSeq is the sequence of JOBS
// that the pass had seen.
type Clock struct {
	From    int64  `json:"from"`   // minutes since 1970 UTC
	Minute  int64  `json:"minute"` // minutes since 1970 UTC
	Cursor  string `json:"cursor,omitzero"`
	JobsSeq uint64 `json:"jobs_seq"`
}

// Done reports whether no job is left in the pass that ended at c.Minute.
func (c Clock) Done() bool { return c.Cursor == "" }

// Verdict says why slots of a job yielded no trigger of their own, or why a
// trigger led to no execution.
type Verdict struct {
	JobID   string    `json:"job_id"`
	From    int64     `json:"from"` // first slot, minutes since 1970 UTC
	To      int64     `json:"to"`   // last slot, inclusive
	Verdict string    `json:"verdict"`
	Reason  string    `json:"reason,omitzero"`
	At      time.Time `json:"at"`

	// TriggerID names the one trigger that the verdict is about, where there was
	// one; From and To are then the minute of its slot, or the one it was stored in.
	TriggerID string `json:"trigger_id,omitzero"`
}

// VerdictOn is a verdict on one trigger that was stored at a time.
func VerdictOn(t Trigger, stored time.Time, verdict, reason string) Verdict {
	minute := t.Minute
	if minute == 0 {
		minute = stored.Unix() / 60
	}
	return Verdict{
		JobID: t.JobID, From: minute, To: minute, Verdict: verdict, Reason: reason, At: time.Now().UTC(), TriggerID: t.ID,
	}
}

// Verdicts on slots.
const (
	VerdictSuperseded = "superseded" // a newer slot of the job ran instead
	VerdictMissed     = "missed"     // Spool was not there, or the job was another then
	VerdictDisabled   = "disabled"   // the job was disabled then
	VerdictSkipped    = "skipped"    // the previous run had not ended
)

// ID names the verdict wherever it is copied to.
func (v Verdict) ID() string {
	if v.TriggerID != "" {
		return "slot:" + v.TriggerID + ":" + v.Verdict
	}
	return "slot:" + v.JobID + ":" + strconv.FormatInt(v.From, 10) + ":" + v.Verdict
}
