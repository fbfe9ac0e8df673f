package why

import (
	"strings"
	"time"

	"spool.internal/events"
)

// Step is one step in the way of a file.
type Step struct {
	Step  string    `json:"step"`
	At    time.Time `json:"at,omitzero"` // zero: it has not come, or is not kept
	Until time.Time `json:"until,omitzero"`
	Text  string    `json:"text"`
}

// Steps in the way of a file, in their order.
const (
	StepSeen     = "seen"
	StepComplete = "complete"
	StepQueued   = "queued"
	StepCalled   = "called"
	StepRun      = "run"
	StepOutcome  = "outcome"
)

const notKept = ": not kept"

// Timeline tells the way of a file: when it was seen, complete, queued, called and run,
// and what came of it. The first step that it has not reached says what it waits for; one
// that was not recorded is not kept. It is empty for a file that is not on its way.
func (a At) Timeline(f Facts) []Step {
	var steps []Step
	add := func(step string, at time.Time, text string) {
		steps = append(steps, Step{Step: step, At: at, Text: text})
	}
	passed := func(step string, at time.Time, how string) {
		if at.IsZero() {
			add(step, at, step+notKept)
			return
		}
		if how != "" {
			how = " (" + how + ")"
		}
		add(step, at, step+" "+a.second(at)+how)
	}
	switch f.State {
	case events.FileYoung, events.FileOpen, events.FileUnmarked, events.FileUnreadable, events.FileUnstaged:
		passed(StepSeen, f.Seen, "")
		add(StepComplete, time.Time{}, "complete: "+lower(a.waits(f)))
		return steps
	case FileHeld:
		passed(StepSeen, f.Seen, "")
		passed(StepComplete, f.Complete, a.how(f))
		add(StepQueued, time.Time{}, "queued: "+lower(a.waits(f)))
		return steps
	case FileQueued, FileCalled, FileRewritten:
		passed(StepSeen, f.Seen, "")
		passed(StepComplete, f.Complete, a.how(f))
		passed(StepQueued, f.Queued, "")
	default:
		return nil
	}
	switch {
	case f.State == FileRewritten:
		add(StepCalled, time.Time{}, "called: "+lower(a.waits(f)))
	case f.Called.IsZero() && f.State == FileQueued:
		text, _ := a.queuedFile(f)
		add(StepCalled, time.Time{}, "called: "+lower(text))
	default:
		try := ""
		if f.Attempts > 1 {
			try = ordinal(f.Attempts) + " try"
		}
		passed(StepCalled, f.Called, try)
		steps = append(steps, a.run(f)...)
	}
	return steps
}

// run tells the run, and what came of it.
func (a At) run(f Facts) []Step {
	outcome := a.came(f)
	if f.Outcome == events.OutcomeOK && f.Outputs != nil {
		outcome = "ok, " + count(*f.Outputs, "file")
	} else if f.Outcome == events.OutcomeOK {
		outcome = "ok"
	} else if tail := f.tail(); tail != "" {
		outcome += ": " + tail
	}
	switch {
	case !f.Started.IsZero() && !f.Ended.IsZero():
		return []Step{
			{StepRun, f.Started, f.Ended, "run " + a.second(f.Started) + "–" + a.second(f.Ended)},
			{Step: StepOutcome, At: f.Ended, Text: outcome},
		}
	case !f.Started.IsZero():
		return []Step{{StepRun, f.Started, time.Time{}, "run since " + a.second(f.Started)}}
	}
	switch f.Outcome {
	case events.OutcomeWaiting, events.OutcomeRetrying:
		return []Step{{Step: StepRun, Text: "run: " + outcome}}
	case events.OutcomeOK, events.OutcomeCancelled:
		return []Step{{Step: StepRun, Text: StepRun + notKept}, {Step: StepOutcome, At: f.Ended, Text: outcome}}
	}
	return []Step{{Step: StepOutcome, At: f.Ended, Text: outcome}}
}

// how says how a file was found complete.
func (a At) how(f Facts) string {
	quiet := ""
	if f.Quiet > 0 {
		quiet = "quiet " + span(milliseconds(f.Quiet)) + ", "
	}
	switch f.Came {
	case events.CameLease:
		return quiet + "lease granted"
	case events.CameRenamed:
		return "renamed in, lease granted"
	case events.CameMarker:
		return "its marker is there"
	case events.CameUnchanged:
		return strings.TrimSuffix(quiet, ", ")
	}
	return ""
}

// Line joins a timeline: seen 14:00:01 ─ complete 14:00:03 ─ …
func Line(steps []Step) string {
	texts := make([]string, len(steps))
	for i, s := range steps {
		texts[i] = s.Text
	}
	return strings.Join(texts, " ─ ")
}

// lower makes a sentence a part of another.
func lower(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] < 'A' || s[1] > 'Z') {
		return string(s[0]-'A'+'a') + s[1:]
	}
	return s
}
