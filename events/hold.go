package events

import (
	"fmt"
	"strings"
	"time"
)

// HoldAfter is who disables a job after failures in a row (spool.hold_after).
const HoldAfter = "hold_after"

// maxHoldAfter bounds the failures in a row that a job may allow.
const maxHoldAfter = 100

// Held reports that the event disabled a job after failures in a row. It has no
// address: no caller is called so.
func (ev JobEvent) Held() bool {
	return ev.Event == JobDisabled && ev.By == HoldAfter && ev.From == ""
}

// Ending is an outcome, when it came about, and why.
type Ending struct {
	At      time.Time
	Outcome Outcome
	Message string
}

// HoldReason says why a job is to be disabled: its last endings, newest first, are as
// many failures as it allows in a row since it was last enabled. What was
// cancelled, or has not ended, says nothing. Empty: it goes on.
func HoldReason(job Job, holdAfter int, endings []Ending) string {
	if holdAfter < 1 || job.Status != Enabled {
		return ""
	}
	last := ""
	failed := 0
	for _, e := range endings {
		if e.Outcome == OutcomeOK || !e.At.After(job.EffectiveFrom) {
			break
		}
		if e.Outcome != OutcomeFailed && e.Outcome != OutcomeGaveUp {
			continue
		}
		if failed++; failed == 1 {
			last = e.Message
		}
		if failed == holdAfter {
			return fmt.Sprintf("%d failures in a row (spool.hold_after), the last: %s", failed, shorten(last))
		}
	}
	return ""
}

// shorten bounds a message that is kept beside others.
func shorten(message string) string {
	if len(message) <= maxReason {
		return message
	}
	return strings.ToValidUTF8(message[:maxReason], "") + "…"
}
