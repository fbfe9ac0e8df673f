package why

import (
	"fmt"
	"strings"

	"spool.internal/events"
)

// Job says how a job stands now, and what keeps it from running. f.Verdict is that of a
// slot that would come now: disabled, or shadow.
func (a At) Job(f Facts) Answer {
	sentence, code := a.job(f)
	return Answer{sentence, code, f}
}

func (a At) job(f Facts) (string, Code) {
	switch {
	case f.Verdict == events.VerdictShadow:
		return "Shadowed: until it is enabled the job shows when it would run, and runs nothing.", "shadow"
	case f.Verdict == events.VerdictDisabled:
		return a.Disabled(f) + a.piled(f), "disabled"
	case f.Folder != nil && f.Folder.State.Away():
		return a.Folder(f)
	case f.Gate != "":
		return because("The endpoint is not called"+a.since(f), f.Gate) + a.piled(f), "gate_closed"
	case f.LastError != "":
		s, _ := a.queued(f)
		return upper(strings.TrimPrefix(s, "Due, ")) + a.piled(f), Code(events.OutcomeRetrying)
	}
	switch f.Outcome {
	case events.OutcomeRunning:
		if f.Started.IsZero() {
			return "It is running.", Code(f.Outcome)
		}
		return "It has been running since " + a.near(f.Started, a.Now) + " (" + span(a.Now.Sub(f.Started)) + ").", Code(f.Outcome)
	case events.OutcomeWaiting:
		return because("Its run waits for its turn", f.Reason), Code(f.Outcome)
	case "":
		return a.neverRan(f)
	}
	s := "Ran last"
	if !f.Triggered.IsZero() {
		s += " " + a.near(f.Triggered, a.Now)
	}
	return because(s+": "+a.came(f), f.tail()) + a.next(f), Code(f.Outcome)
}

// piled says what waits behind.
func (a At) piled(f Facts) string {
	switch f.Waiting {
	case 0:
		return ""
	case 1:
		return " 1 trigger of the job waits."
	}
	return fmt.Sprintf(" %s triggers of the job wait.", thousands(f.Waiting))
}

func (a At) next(f Facts) string {
	if f.Reboot {
		return " Next: at the start of the machine."
	}
	if f.Next.IsZero() {
		return ""
	}
	return " Next: " + a.near(f.Next, a.Now) + "."
}

func (a At) neverRan(f Facts) (string, Code) {
	switch {
	case f.Folder != nil:
		s, code := a.Folder(f)
		return "Never ran. " + s, code
	case f.State == events.FileNoFolder: // it watches a folder, and no watcher says anything
		return "Never ran: no watcher says anything of its folder.", "folder_absent"
	case f.Reboot:
		return "Never ran: it runs at the start of the machine.", "next"
	case f.Next.IsZero():
		return "Never ran: no slot of its schedule comes.", "no_slot"
	}
	return "Never ran: its first slot is " + a.near(f.Next, a.Now) + ", in " + span(f.Next.Sub(a.Now)) + ".", "next"
}
