package why

import (
	"strings"

	"spool.internal/events"
)

// came says how an execution stands, as a part of a sentence.
func (a At) came(f Facts) string {
	after := ""
	if f.Duration != nil {
		after = " after " + span(milliseconds(*f.Duration))
	}
	switch f.Outcome {
	case events.OutcomeOK:
		return "ok" + after
	case events.OutcomeFailed:
		return "failed" + after
	case events.OutcomeCancelled:
		return "cancelled" + after
	case events.OutcomeGaveUp:
		if f.Attempts > 0 {
			return "given up after " + count(f.Attempts, "call")
		}
		return "given up"
	case events.OutcomeRunning:
		if !f.Started.IsZero() {
			return "running for " + span(a.Now.Sub(f.Started))
		}
		return "running"
	case events.OutcomeRetrying:
		if !f.Next.IsZero() {
			return "failed, and tried again at " + a.second(f.Next)
		}
		return "failed, and tried again"
	case events.OutcomeWaiting:
		return "its run waits for its turn"
	case events.OutcomeCalled:
		return "the endpoint took it, and nobody tells how it ends"
	case events.OutcomeNotKept:
		return "how it ended is not kept"
	}
	return "it waits for its call"
}

// tail is what is added to how an execution stands when that is no success. The
// sentence with which a run ended begins with what has been said: only its end counts.
func (f Facts) tail() string {
	switch f.Outcome {
	case events.OutcomeRunning: // where it is, nobody hears of it
		return strings.TrimRight(f.Reason, ".")
	case events.OutcomeFailed, events.OutcomeGaveUp, events.OutcomeRetrying, events.OutcomeCancelled:
		return strings.TrimRight(f.How, ".")
	case events.OutcomeWaiting:
		return strings.TrimRight(f.Reason, ".")
	}
	return ""
}

// Execution says how an execution stands: of a slot like that slot, of a file like
// that file, and else who asked for it.
func (a At) Execution(f Facts) Answer {
	switch {
	case !f.Slot.IsZero() && f.Verdict != "":
		answer := a.Slot(f)
		if f.Outcome != "" {
			answer.Code = Code(f.Outcome)
		}
		return answer
	case f.Path != "":
		return a.File(f)
	}
	s := "Started"
	if f.By != "" {
		s += " by " + f.By
	}
	if !f.Triggered.IsZero() {
		s += " at " + a.near(f.Triggered, a.Now)
	}
	switch {
	case f.Verdict == events.VerdictSkipped:
		return Answer{a.skipped(f), "skipped", f}
	case f.Verdict != "" && f.Verdict != Queued:
		return Answer{because("Not run", f.Reason), Code(f.Verdict), f}
	case f.Outcome == "":
		sentence, code := a.queued(f)
		return Answer{s + strings.TrimPrefix(sentence, "Due"), code, f}
	}
	return Answer{because(s+"; "+a.came(f), f.tail()), Code(f.Outcome), f}
}
