package events

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
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
	Minute Minute    `json:"minute,omitzero"` // cron: the slot
	File   *File     `json:"file,omitempty"`  // file: which

	RerunOf string `json:"rerun_of,omitzero"` // manual: the first trigger of what is run again

	Down *Downtime `json:"down,omitempty"` // cron: when nobody answered for slots, of one that is late

	Place string `json:"place,omitempty"` // the machine that its file lies on; empty = the dispatcher says where it runs
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

	FirstSeen time.Time `json:"first_seen,omitzero"` // by the watcher
	Complete  time.Time `json:"complete,omitzero"`   // when it was found complete
	Came      Came      `json:"came,omitzero"`       // how that was known
	QuietMS   int64     `json:"quiet_ms,omitzero"`   // its quiet period
}

// CronTriggerID names the trigger of one slot.
func CronTriggerID(jobID string, slot Minute) string {
	return "cron:" + jobID + ":" + strconv.FormatInt(int64(slot), 10)
}

// ManualTriggerID names a trigger that somebody asked for; id is a UUID of version 7.
func ManualTriggerID(jobID, id string) string { return "manual:" + jobID + ":" + id }

// FileTriggerID names the trigger of one file.
func FileTriggerID(jobID, fingerprint string) string { return "file:" + jobID + ":" + fingerprint }

// TriggeredAfter gives a time after which the trigger of an id was stored, allowing for clocks
// that differ; zero where the id does not say.
func TriggeredAfter(triggerID string) time.Time {
	kind, rest, _ := strings.Cut(triggerID, ":")
	last := rest[strings.LastIndexByte(rest, ':')+1:]
	switch Kind(kind) {
	case KindCron:
		if minute, err := strconv.ParseInt(last, 10, 64); err == nil {
			return Minute(minute).Time().Add(-2 * time.Minute)
		}
	case KindManual:
		if id, err := uuid.Parse(last); err == nil && id.Version() == 7 {
			return time.Unix(id.Time().UnixTime()).Add(-2 * time.Minute)
		}
	}
	return time.Time{}
}

// NewFile describes a file by the bytes of its relative path.
func NewFile(path string) *File {
	if utf8.ValidString(path) {
		return &File{Path: path}
	}
	// The conversion puts a replacement character in the place of every bad byte.
	return &File{Path: string([]rune(path)), PathB64: base64.StdEncoding.EncodeToString([]byte(path))}
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
