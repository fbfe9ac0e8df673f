package events

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// Outcome is how an execution stands: the worst of its call and its run.
type Outcome string

const (
	OutcomeWaiting   Outcome = "waiting"   // for a call, or accepted and in the queue of the runner
	OutcomeRetrying  Outcome = "retrying"  // its call failed and will be made again
	OutcomeCalled    Outcome = "called"    // the run was accepted, and nobody tells how it ends
	OutcomeRunning   Outcome = "running"   //
	OutcomeOK        Outcome = "ok"        //
	OutcomeFailed    Outcome = "failed"    // the endpoint refused, or the run ended with ERROR
	OutcomeGaveUp    Outcome = "gave_up"   // the call was made until its time was over: there is a dead letter
	OutcomeCancelled Outcome = "cancelled" // somebody ended the run
	OutcomeNotKept   Outcome = "not_kept"  // the run events are older than what is kept
)

// Outcomes lists them.
var Outcomes = []Outcome{
	OutcomeWaiting, OutcomeRetrying, OutcomeCalled, OutcomeRunning, OutcomeOK, OutcomeFailed, OutcomeGaveUp, OutcomeCancelled, OutcomeNotKept,
}

// Judge sets the outcome of a result, and says in a sentence why it is that; dead
// says that the call is given up, told that run events go on from here.
func (r *Result) Judge(dead, told bool) {
	answer := "HTTP " + r.HTTP.Status
	if r.HTTP.Status == "0" {
		answer = "no answer"
	}
	switch {
	case r.Status == OK && r.FlowJobID != "" && told:
		r.Outcome, r.Why = OutcomeWaiting, "the endpoint accepted run "+r.FlowJobID
		return
	case r.Status == OK && r.FlowJobID != "":
		r.Outcome, r.Why = OutcomeCalled, "the endpoint accepted run "+r.FlowJobID+", and nobody tells how it ends"
		return
	case r.Status == OK:
		r.Outcome, r.Why = OutcomeCalled, "the endpoint accepted the call and named no run"
		return
	case r.HTTP.Status == "0" && strings.HasPrefix(r.HTTP.Response, CancelledBy):
		r.Outcome, r.Why = OutcomeCancelled, "it was not called: "+firstLine(r.HTTP.Response)
		return
	case dead:
		r.Outcome, r.Why = OutcomeGaveUp, fmt.Sprintf("given up after %s: %s", count(r.Attempts, "call"), answer)
	default:
		r.Outcome, r.Why = OutcomeFailed, "the call was refused: "+answer
	}
	if said := firstLine(r.HTTP.Response); said != "" {
		r.Why += ": " + said
	}
}

// announcedAfter is how long after its result the first event of a run may come.
const announcedAfter = 10 * time.Minute

// OutcomeNow is the outcome of an execution whose result is r at a time: newest is
// the last event of its run, nil when there is none.
func (r *Result) OutcomeNow(newest *RunEvent, now time.Time) Outcome {
	switch {
	case r.Outcome == OutcomeCancelled: // before it was called
		return OutcomeCancelled
	case newest != nil:
		return newest.Judged()
	case r.Outcome == OutcomeWaiting && now.Sub(time.Unix(0, r.EndedNS)) > announcedAfter:
		return OutcomeNotKept
	case r.Outcome != "":
		return r.Outcome
	case r.Status == ERROR:
		return OutcomeFailed
	default:
		return OutcomeCalled
	}
}

// Judge sets the outcome of a run event, and for one that ended says in a
// sentence why it is that.
func (ev *RunEvent) Judge() {
	switch ev.Phase {
	case Accepted:
		ev.Outcome = OutcomeWaiting
	case Cancelling:
		if ev.Outcome = OutcomeRunning; ev.Attempt == 0 { // before its call
			ev.Outcome = OutcomeWaiting
		}
	case Started:
		ev.Outcome = OutcomeRunning
	case Retrying:
		if ev.Interrupted() {
			ev.Outcome, ev.Why = OutcomeRetrying, path.Base(ev.BinaryPath)+" was "+firstLine(ev.Message)+"; it starts again"
			return
		}
		_, ev.Why = ev.judgeEnd()
		ev.Outcome, ev.Why = OutcomeRetrying, ev.Why+"; it is tried again at "+ev.Next.UTC().Format(time.RFC3339)
	case Ended:
		ev.Outcome, ev.Why = ev.judgeEnd()
	}
}

// Judged is the outcome of an event, also of one that is older than outcomes are.
func (ev RunEvent) Judged() Outcome {
	ev.Judge()
	return ev.Outcome
}

func (ev *RunEvent) judgeEnd() (Outcome, string) {
	flow, took := path.Base(ev.BinaryPath), ""
	if ev.File != nil {
		flow += " on " + ev.File.Name
	}
	if !ev.StartedAt.IsZero() {
		took = " after " + ev.At.Sub(ev.StartedAt).Round(time.Millisecond).String()
	}
	said := ""
	switch {
	case ev.Message == "":
	case ev.Cancelled(): // what it printed last is no reason then
		said = ": " + firstLine(ev.Message)
	default:
		said = ": " + Briefly(ev.Message)
	}
	switch {
	case ev.Cancelled() && took == "":
		return OutcomeCancelled, flow + " did not start" + said
	case ev.Cancelled():
		return OutcomeCancelled, flow + " was stopped" + took + said
	case ev.Status == OK:
		return OutcomeOK, flow + " ended ok" + took + ev.left() + said
	case took == "":
		return OutcomeFailed, flow + " could not be started" + said
	default:
		return OutcomeFailed, flow + " failed" + took + said
	}
}

func (ev *RunEvent) left() string {
	if ev.OutputCount == nil {
		return ""
	}
	return " and wrote " + count(*ev.OutputCount, "file")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// maxSaid bounds what a sentence repeats, in bytes.
const maxSaid = 500

// Briefly says a message of several lines in one: its beginning and its last line, since
// what a run that failed printed last says most.
func Briefly(message string) string {
	message = strings.TrimSpace(message)
	if begin := strings.LastIndexByte(message, '\n'); begin >= 0 {
		first, _, _ := strings.Cut(firstLine(message), ": ")
		message = first + ": " + strings.TrimSpace(message[begin:])
	}
	return firstLine(message)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) > maxSaid {
		s = strings.ToValidUTF8(s[:maxSaid], "") + "…"
	}
	return s
}
