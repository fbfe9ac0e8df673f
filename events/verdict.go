package events

import (
	"strconv"
	"time"
)

// Verdict says why slots of a job yielded no trigger of their own, or why a
// trigger led to no execution.
type Verdict struct {
	JobID   string    `json:"job_id"`
	From    Minute    `json:"from"` // first slot
	To      Minute    `json:"to"`   // last slot, inclusive
	Verdict Ruling    `json:"verdict"`
	Reason  string    `json:"reason,omitzero"`
	At      time.Time `json:"at"`

	// TriggerID names the one trigger that the verdict is about, where there was
	// one; From and To are then the minute of its slot, or the one it was stored in.
	TriggerID string `json:"trigger_id,omitzero"`

	Ran     Minute    `json:"ran,omitzero"`     // superseded: the newer slot
	Blocker string    `json:"blocker,omitzero"` // skipped: the trigger whose run had not ended
	Down    *Downtime `json:"down,omitempty"`   // missed: when nobody answered for slots
}

// Ruling is what a verdict says.
type Ruling string

// Rulings on slots.
const (
	VerdictSuperseded Ruling = "superseded" // a newer slot of the job ran instead
	VerdictMissed     Ruling = "missed"     // Spool was not there, or the job was another then
	VerdictDisabled   Ruling = "disabled"   // the job was disabled then
	VerdictSkipped    Ruling = "skipped"    // the previous run had not ended
	VerdictShadow     Ruling = "shadow"     // the job is disabled, and only shows when it would run
)

// VerdictOn is a verdict on one trigger that was stored at a time.
func VerdictOn(t Trigger, stored time.Time, ruling Ruling, reason string) Verdict {
	minute := t.Minute
	if minute == 0 {
		minute = MinuteOf(stored)
	}
	return Verdict{
		JobID: t.JobID, From: minute, To: minute, Verdict: ruling, Reason: reason, At: time.Now().UTC(), TriggerID: t.ID,
	}
}

// About reports whether the verdict is about the slots of its job from From to To,
// rather than about one trigger of another kind.
func (v Verdict) About(slot Minute) bool {
	return v.From <= slot && slot <= v.To && (v.TriggerID == "" || v.TriggerID == CronTriggerID(v.JobID, slot))
}

// ID names the verdict wherever it is copied to.
func (v Verdict) ID() string {
	if v.TriggerID != "" {
		return "slot:" + v.TriggerID + ":" + string(v.Verdict)
	}
	return "slot:" + v.JobID + ":" + strconv.FormatInt(int64(v.From), 10) + ":" + string(v.Verdict)
}
