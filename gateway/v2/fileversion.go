package v2

import (
	"context"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/sorting"
	"spool.internal/events/why"
)

// FileVersion is one content that a path has had, or one more run of it.
type FileVersion struct {
	TriggerID   string    `json:"trigger_id"`
	Fingerprint string    `json:"fingerprint"`
	Seen        time.Time `json:"seen"`               // when it was entered into the ledger
	Queued      bool      `json:"queued"`             // waits for its call, or is being called
	Ignored     bool      `json:"ignored,omitempty"`  // is not to be run: lay there before the job was made, or was marked
	MarkedBy    string    `json:"marked_by,omitzero"` // who has said that it has run
	Verdict     string    `json:"verdict,omitzero"`   // why there is no execution
	Reason      string    `json:"reason,omitzero"`    // of the verdict
	Held        *Held     `json:"held,omitempty"`     // why it is not run
	Result      *Result   `json:"result,omitempty"`   // when it is kept

	FirstSeen time.Time   `json:"first_seen,omitzero"` // by the watcher
	Complete  *Complete   `json:"complete,omitempty"`
	Calls     []FileCall  `json:"calls,omitempty"` // the failed ones that are known, and the last
	Timeline  []why.Step  `json:"timeline,omitempty"`
	Why       *FileReason `json:"why,omitempty"`

	file  *events.File // of the result, or of the trigger that waits
	facts why.Facts
}

// Complete says when a file was found complete, and how.
type Complete struct {
	At  time.Time   `json:"at"`
	How events.Came `json:"how"`
}

// FileCall is a call that was made for a file.
type FileCall struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Answer  string    `json:"answer"`
	Next    time.Time `json:"next,omitzero"`
}

// Held says why a file is not run: runs led to it that its job began, or too many.
type Held struct {
	Reason string    `json:"reason"`
	Ring   string    `json:"ring"`   // the jobs by name
	Ignore string    `json:"ignore"` // the pattern for watch.ignore that leaves such files alone
	Since  time.Time `json:"since"`
}

// holds adds why versions of a path are held.
func (x *explained) holds(ctx context.Context, path string, versions []FileVersion) error {
	all, err := x.Bus.HeldOnPath(ctx, x.job.ID, path)
	for _, h := range all {
		for i := range versions {
			if versions[i].Fingerprint == h.Fingerprint {
				versions[i].Held = &Held{h.Reason(), h.Ring, h.Ignore, h.At.UTC()}
			}
		}
	}
	return err
}

// maxVersions is how many contents of one path are shown.
const maxVersions = 100

// versions lists what is known of a path, newest first: what the ledger holds,
// and what is left of files that it has forgotten because they are long gone.
func (x *explained) versions(ctx context.Context, path string) ([]FileVersion, error) {
	jobID := x.job.ID
	seen, err := x.Bus.FilesOnPath(ctx, jobID, path)
	if err != nil {
		return nil, err
	}
	versions := []FileVersion{}
	for _, s := range seen {
		versions = append(versions, FileVersion{
			TriggerID: s.TriggerID, Fingerprint: s.Fingerprint, Seen: s.At.UTC(), Queued: s.Queued, Ignored: s.Ignored, MarkedBy: s.MarkedBy,
		})
	}
	if slices.ContainsFunc(seen, func(s events.SeenEntry) bool { return s.Held }) {
		if err := x.holds(ctx, path, versions); err != nil {
			return nil, err
		}
	}
	find := func(triggerID string) int {
		return slices.IndexFunc(versions, func(v FileVersion) bool { return v.TriggerID == triggerID })
	}
	var results []events.Result
	err = x.eachResult(ctx, jobID, func(_ uint64, r events.Result) bool {
		if r.File != nil && r.File.RawPath() == path {
			results = append(results, r)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	shown, err := x.show(ctx, results)
	if err != nil {
		return nil, err
	}
	for i := range shown {
		n := find(shown[i].TriggerID)
		if n < 0 {
			n = len(versions)
			versions = append(versions, FileVersion{
				TriggerID: shown[i].TriggerID, Fingerprint: shown[i].File.Fingerprint, Seen: shown[i].Triggered,
			})
		}
		versions[n].Result, versions[n].file = &shown[i], results[i].File
		versions[n].Queued = false // it is about to leave the queue
	}
	err = x.Bus.Verdicts(jobID).Since(ctx, time.Time{}, func(m jet.Entry[events.Verdict]) bool {
		if v, err := m.Value(); err == nil && v.TriggerID != "" {
			if n := find(v.TriggerID); n >= 0 {
				versions[n].Verdict, versions[n].Reason, versions[n].Queued = string(v.Verdict), v.Reason, false
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	sorting.Stably(versions, func(a, b FileVersion) int { return b.Seen.Compare(a.Seen) })
	versions = versions[:min(len(versions), maxVersions)]
	return versions, x.describe(ctx, path, versions, results)
}
