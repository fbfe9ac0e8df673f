package events

import "time"

// Ack is that somebody has acknowledged how an execution ended: its job is no longer failing
// for it. It is about one end: a trigger that is retried may have another.
type Ack struct {
	JobID     string    `json:"job_id"`
	TriggerID string    `json:"trigger_id"`
	Ended     time.Time `json:"ended"` // the end that is acknowledged: see [EndOf]
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Note      string    `json:"note,omitzero"`
	Withdrawn bool      `json:"withdrawn,omitzero"` // it was taken back
}

// MaxNote is how long the note of an acknowledgement may be, in characters.
const MaxNote = 1000

// Covers reports that an end is acknowledged.
func (a Ack) Covers(ended time.Time) bool {
	return !a.Withdrawn && !ended.IsZero() && a.Ended.Equal(ended)
}

// EndOf is when an execution ended: its run, or, where none came of it, its last call. It is
// zero while the run goes on, or nobody tells. newest is the last event of the run, nil when
// there is none.
func EndOf(r Result, newest *RunEvent) time.Time {
	switch {
	case newest != nil && newest.Phase == Ended:
		return newest.At.UTC()
	case r.Status == ERROR:
		return time.Unix(0, r.EndedNS).UTC()
	default:
		return time.Time{}
	}
}

// Acknowledgeable reports that an outcome is one that makes a job failing.
func (o Outcome) Acknowledgeable() bool { return o == OutcomeFailed || o == OutcomeGaveUp }
