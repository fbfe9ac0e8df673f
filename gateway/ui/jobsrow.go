package ui

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/index"
	"spool.internal/gateway/v2"
)

// jobRow is a job in a list.
type jobRow struct {
	v2.Job
	Write bool
	Here  string
	Owned bool             // it is somebody else's
	Gone  *events.JobEvent // nil: it is there

	now time.Time
}

// Off reports that a job is disabled.
func (r jobRow) Off() bool { return r.Status == events.Disabled }

// DisabledOn is the day on which it was.
func (r jobRow) DisabledOn() string {
	at := r.Disabled.At.In(zoneOf(r.Timezone))
	if at.Year() != r.now.Year() {
		return at.Format("2 Jan 2006")
	}
	return at.Format("2 Jan")
}

// Files reports that a job runs for each file.
func (r jobRow) Files() bool { return r.Mode == index.ModeAutomatic }

// lastRun is the execution of a job that finished last.
type lastRun struct {
	Outcome string
	Href    string    // empty: it is not known which it was
	Ended   time.Time // zero: not known
}

// Last gives it.
func (r jobRow) Last() lastRun {
	last := lastRun{Outcome: r.Outcome}
	for _, e := range r.Recent {
		if string(e.Outcome) != r.Outcome {
			continue
		}
		last.Href = "/runs/" + e.TriggerID
		if l := r.LastResult; l != nil && l.TriggerID == e.TriggerID {
			last.Ended = l.Ended
		}
		break
	}
	return last
}

// When says in words when a job runs.
func (r jobRow) When() string {
	if !r.Files() {
		if r.Description == "" {
			return r.Schedule
		}
		return strings.TrimSuffix(strings.TrimSuffix(r.Description, "."), " ("+r.Timezone+")")
	}
	if folder := r.folder(); folder != "" {
		return "For each file in " + folder
	}
	return "For each file"
}

// folder is the end of the path of the folder that a job watches.
func (r jobRow) folder() string {
	var p struct {
		Input string `json:"input"`
		Flow  struct {
			InputDir string `json:"input_dir"`
		} `json:"flow_parameters"`
	}
	_ = json.Unmarshal(r.Parameters, &p) // what another version stored may be another shape: then nothing is said
	dir := strings.TrimRight(p.Input+p.Flow.InputDir, "/")
	if dir == "" {
		return ""
	}
	if parent := path.Base(path.Dir(dir)); parent != "." && parent != "/" {
		return "…/" + parent + "/" + path.Base(dir)
	}
	return dir
}

// Away says in a sentence why no file is seen in the folder of a job; empty = they are.
func (r jobRow) Away() string {
	if r.Watch == nil || !r.Watch.State.Away() {
		return ""
	}
	sentence, _ := why.At{Now: r.now}.Folder(why.Facts{Folder: &why.Folder{
		State: r.Watch.State, Path: r.Watch.HostPath, Since: r.Watch.Since, Looked: r.Watch.LastScan, Reason: r.Watch.Reason,
	}})
	return sentence
}

// Pending is how many files wait, and for how long the oldest has.
func (r jobRow) Pending() string {
	if r.Watch == nil || r.Watch.Pending == 0 {
		return ""
	}
	text := why.Number(r.Watch.Pending) + " wait"
	if r.Watch.Pending == 1 {
		text += "s"
	}
	if oldest := r.Watch.OldestPending; !oldest.IsZero() {
		text += ", oldest " + why.Length(r.now.Sub(oldest))
	}
	return text
}

// Spark are the last runs.
func (r jobRow) Spark() []bar {
	var bars []bar
	for _, e := range r.Recent {
		bars = append(bars, bar{Outcome: e.Outcome, Took: e.DurationMS})
	}
	return bars
}

// Usual is the median of how long the last runs took that ended ok; nil = not known.
func (r jobRow) Usual() *int64 {
	var took []int64
	for _, e := range r.Recent {
		if e.Outcome == events.OutcomeOK && e.DurationMS != nil {
			took = append(took, *e.DurationMS)
		}
	}
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	return &took[len(took)/2]
}

// Key is the key under which a run is started once. It tells when it was made, so that an
// execution under it is looked for behind that alone.
func (r jobRow) Key() string { return timedKey() }

// timedKey makes a key that tells when it was made.
func timedKey() string {
	key, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString()
	}
	return key.String()
}

// keyedAt tells when a key was made; ok is false when it does not.
func keyedAt(key string) (at time.Time, ok bool) {
	id, err := uuid.Parse(key)
	if err != nil || id.Version() != 7 {
		return time.Time{}, false
	}
	sec, nsec := id.Time().UnixTime()
	return time.Unix(sec, nsec), true
}
