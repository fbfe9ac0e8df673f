package why

import (
	"fmt"
	"strings"
	"time"

	"spool.internal/events"
)

// Verdicts on slots beside those that are stored.
const (
	Fired    events.Ruling = "fired"     // its trigger was stored in time
	CaughtUp events.Ruling = "caught_up" // its trigger was stored later
	Queued   events.Ruling = "queued"    // its trigger has no result yet
	Pending  events.Ruling = "pending"   // it has no trigger yet
	Gap      events.Ruling = "dst_gap"   // its wall time did not exist
	Fold     events.Ruling = "dst_fold"  // its wall time comes twice, and this is the second
)

// Slot says what became of the minute f.Slot; without a verdict that is none of the
// job's slots.
func (a At) Slot(f Facts) Answer {
	sentence, code := a.slot(f)
	if f.Mark != "" && f.Verdict != Gap && f.Verdict != Fold && f.Wall != "" {
		sentence += " " + a.clocks(f, events.Ruling(f.Mark))
	}
	return Answer{sentence, code, f}
}

func (a At) slot(f Facts) (string, Code) {
	switch f.Verdict {
	case Fired:
		return a.fired(f), "fired"
	case CaughtUp:
		return a.caughtUp(f), "caught_up"
	case events.VerdictSuperseded:
		return a.superseded(f), "superseded"
	case events.VerdictSkipped:
		return a.skipped(f), "skipped"
	case events.VerdictMissed:
		return a.missed(f)
	case events.VerdictDisabled:
		return a.Disabled(f), "disabled"
	case events.VerdictShadow:
		return fmt.Sprintf("Due at %s; shadowed: until it is enabled the job shows when it would run, and runs nothing.", a.clock(f.Slot)), "shadow"
	case Queued:
		return a.queued(f)
	case Pending:
		return a.pending(f), "pending"
	case Gap, Fold:
		return a.clocks(f, f.Verdict), Code(f.Verdict)
	}
	return a.none(f)
}

func (a At) fired(f Facts) string {
	s := "Started on time"
	switch ms := f.Lateness; {
	case ms == nil && f.Outcome == "":
		return "Started; what became of it is not kept."
	case ms != nil && *ms >= 0:
		s += ", " + span(milliseconds(*ms)) + " after its minute"
	}
	if f.Outcome == "" {
		return s + "; no result of it is kept."
	}
	return because(s+"; "+a.came(f), f.tail())
}

func (a At) caughtUp(f Facts) string {
	s := "Started late"
	if f.Lateness != nil {
		s = "Started " + span(milliseconds(*f.Lateness)) + " late"
	}
	if !f.Triggered.IsZero() {
		s += ", at " + a.near(f.Triggered, f.Slot)
	}
	if f.Down != nil {
		s += ": " + a.down(f)
	}
	switch f.Outcome {
	case "", events.OutcomeOK:
		return s + "."
	}
	return s + ". " + because(upper(a.came(f)), f.tail())
}

// down says when Spool was not running.
func (a At) down(f Facts) string {
	return "Spool was not running from " + a.near(f.Down.From, f.Slot) + " to " + a.near(f.Down.To, f.Slot)
}

func (a At) superseded(f Facts) string {
	which := ""
	if !f.RunInstead.IsZero() {
		ran := a.near(f.RunInstead, f.Slot)
		if !strings.Contains(ran, " ") {
			ran = a.in(f.RunInstead).Format("Mon 15:04")
		}
		which = ", " + ran + ","
	}
	if f.Reason == events.WhyOvertaken {
		return "Not run on its own: a newer slot" + which + " was due before this one was called."
	}
	if f.Slots < 2 {
		return "Not run on its own: slots were missed together, only the newest" + which + " ran (catch_up: latest)."
	}
	return fmt.Sprintf("Not run on its own: %s were missed together, only the newest%s ran (catch_up: latest).",
		count(f.Slots, "slot"), which)
}

func (a At) skipped(f Facts) string {
	b := f.Blocker
	if b == nil {
		return "Skipped: the run before it had not ended and overlap is skip."
	}
	run := "the run before it"
	switch {
	case !b.Slot.IsZero():
		run = "the run of " + a.near(b.Slot, f.Slot)
	case b.Path != "":
		run = "the run on " + b.Path
	case !b.Started.IsZero():
		run = "the run that began at " + a.near(b.Started, f.Slot)
	}
	took := ""
	switch {
	case b.Duration != nil:
		took = " (it took " + span(milliseconds(*b.Duration)) + ")"
	case !b.Started.IsZero():
		took = " (it has been running for " + span(a.Now.Sub(b.Started)) + ")"
	}
	return "Skipped: " + run + " had not ended" + took + " and overlap is skip."
}

func (a At) missed(f Facts) (string, Code) {
	then := "Missed: Spool was not running then"
	if f.Down != nil {
		then += " (" + a.near(f.Down.From, f.Slot) + " to " + a.near(f.Down.To, f.Slot) + ")"
	}
	by, at := f.By, ""
	if by == "" {
		by = "somebody"
	}
	if !f.At.IsZero() {
		at = " at " + a.near(f.At, f.Slot)
	}
	switch f.Reason {
	case events.WhyNotRunning:
		return then + ", and catch_up is none.", "missed_not_running"
	case events.WhyTooOld:
		return then + ", and slots older than 24 h are not caught up.", "missed_too_old"
	case events.WhyEdited:
		return "Missed: the job had another schedule until " + by + " changed it" + at + ".", "missed_edited"
	case events.WhyDisabledFirst:
		return "Missed: " + by + " disabled the job" + at + ", before it could run.", "missed_disabled"
	}
	return because("Missed", f.Reason), "missed"
}

// Disabled says who disabled a job, until when and why.
func (a At) Disabled(f Facts) string {
	s := "Disabled"
	if f.By != "" {
		s += " by " + f.By
	}
	if !f.At.IsZero() {
		s += " on " + a.stamp(f.At)
	}
	if !f.Until.IsZero() {
		s += ", until " + a.dated(f.Until)
	}
	return because(s, f.Reason)
}

// stamp names a date and a clock, whatever that is.
func (a At) stamp(t time.Time) string { return a.date(t) + " " + a.clock(t) }

func (a At) queued(f Facts) (string, Code) {
	due := "Due"
	if !f.Slot.IsZero() {
		due += " at " + a.clock(f.Slot)
	}
	switch {
	case f.Reason == events.WhyPaused:
		return due + ", not called: the job is disabled, and it waits until that is enabled.", "paused"
	case f.Gate != "" && f.LastError == "":
		return due + ", not delivered: " + f.Gate + ".", "gate_closed"
	case f.LastError == "" && f.Attempts == 0:
		return due + ", not delivered: it waits for its call.", "queued"
	}
	s := due + ", not delivered: " + strings.TrimRight(f.LastError, ".")
	if f.LastError == "" {
		s = due + ", not delivered"
	}
	if f.Attempts > 0 {
		s += ", " + count(f.Attempts, "call")
	}
	if !f.Next.IsZero() {
		s += ", next at " + a.second(f.Next)
	}
	if !f.GivesUp.IsZero() {
		s += ", given up " + a.near(f.GivesUp, f.Slot)
	}
	return s + ".", "queued"
}

func (a At) pending(f Facts) string {
	switch {
	case f.Reason == events.WhyBacklog:
		return "Due, not started yet: older slots are caught up one after the other, and it has not come to this one."
	case f.Reason == events.WhyUnread:
		return "Due, not started yet: the clock has not taken in yet how the job was changed."
	case f.Answered.IsZero():
		return "Due, not started yet: the clock has not answered yet."
	}
	return "Due, not started yet: the clock has answered up to " + a.near(f.Answered, f.Slot) + "."
}

// clocks says what a change of clocks did to a nominal time.
func (a At) clocks(f Facts, mark events.Ruling) string {
	on := a.date(f.Slot)
	if mark == Fold {
		return f.Wall + " came twice on " + on + "; it ran the first time."
	}
	if f.Ran.IsZero() {
		return f.Wall + " did not exist on " + on + "; it did not run."
	}
	return f.Wall + " did not exist on " + on + "; it ran once at " + a.clock(f.Ran) + "."
}

func (a At) none(f Facts) (string, Code) {
	switch {
	case !f.KnownFrom.IsZero() && f.Slot.Before(f.KnownFrom):
		return "Not kept: Spool knows this job since " + a.date(f.KnownFrom) + ".", "not_kept"
	case f.Kind == events.KindCron:
		return "Due then; what became of it is not kept.", "not_kept"
	case f.Kind == events.KindFile:
		return "No slot then: the job watches a folder.", "none"
	case !f.Next.IsZero() && f.Next.Equal(f.Slot):
		return "Due " + a.near(f.Slot, a.Now) + ", in " + span(f.Slot.Sub(a.Now)) + ".", "future"
	}
	switch len(f.Nearest) {
	case 0:
		return "No slot then, and none near it.", "none"
	case 1:
		return "No slot then. The nearest is " + a.day(f.Nearest[0], f.Slot) + ".", "none"
	}
	return "No slot then. The nearest are " + a.day(f.Nearest[0], f.Slot) + " and " + a.day(f.Nearest[1], f.Slot) + ".", "none"
}

// day is near, with the weekday always.
func (a At) day(t, other time.Time) string {
	if s := a.near(t, other); strings.Contains(s, " ") {
		return s
	}
	return a.in(t).Format("Mon 15:04")
}
