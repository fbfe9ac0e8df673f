package events

import (
	"encoding/json"
	"path"
	"time"
)

// Cause says what an execution or a run is about, so that its event can be used
// alone. A direct call has none.
type Cause struct {
	Job  *JobRef   `json:"job,omitempty"`
	Kind Kind      `json:"kind,omitzero"`
	Slot time.Time `json:"slot,omitzero"`  // cron: the nominal time, UTC
	File *FileRef  `json:"file,omitempty"` // the file that came; absent for other kinds
}

// JobRef is a job as it was when its trigger was called for.
type JobRef struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Tags  []string `json:"tags"`  // settings.tags; never null
	Owner string   `json:"owner"` //
}

// FileRef is a file for those who read of it, see [File].
type FileRef struct {
	Path    string `json:"path"`               // below the watched folder; replacement characters where it is not UTF-8
	PathB64 string `json:"path_b64,omitempty"` // the exact bytes, only where Path is not exact
	Name    string `json:"name"`               // the last element of Path
	Size    int64  `json:"size"`               // bytes

	// SHA256 is of the content that the run got, hex. It stands in `ended`, unless
	// the file is larger than [MaxDigest] or was rewritten while it was read.
	SHA256 string `json:"sha256,omitzero"`
}

// RawPath gives the exact bytes of Path.
func (f FileRef) RawPath() string { return (&File{Path: f.Path, PathB64: f.PathB64}).RawPath() }

// MaxDigest is how large a file may be whose digest a run event tells, in bytes.
const MaxDigest = 256 << 20

// maxTags bounds what an event repeats of the tags of a job, in bytes of JSON.
const maxTags = 4 << 10

// Ref describes a job for who reads of its executions; its parameters are nil where they cannot be read.
func (j *Job) Ref(p *Parameters) JobRef {
	ref := JobRef{ID: j.ID, Name: j.Name, Tags: []string{}, Owner: j.Username}
	if p != nil {
		if raw, ok := p.Settings.Get("tags"); ok && len(raw) <= maxTags {
			_ = json.Unmarshal(raw, &ref.Tags) // it was checked when the job was made
		}
	}
	return ref
}

// Cause gives the cause of the execution that a trigger leads to.
func (t *Trigger) Cause(ref JobRef) Cause {
	c := Cause{Job: &ref, Kind: t.Kind}
	if t.Minute != 0 {
		c.Slot = t.Minute.Time()
	}
	if f := t.File; f != nil {
		c.File = &FileRef{Path: f.Path, PathB64: f.PathB64, Name: path.Base(f.Path), Size: f.Size}
	}
	return c
}
