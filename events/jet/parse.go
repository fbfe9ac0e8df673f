package jet

import (
	"fmt"
	"slices"
	"strings"

	"spool.internal/events"
)

// subjectParts is a subject taken apart.
type subjectParts struct {
	Family string // "job", "trigger", "file", …, "clock"
	Kind   string // trigger: its kind; run: its phase; state: its part; done: whose end
	JobID  string // empty where the family has none
	Rest   string // what follows: fingerprint, flow job id, pool, hashes
}

// parseSubject takes apart any subject that this file builds.
func parseSubject(s string) (subjectParts, error) {
	if s == clockSubject {
		return subjectParts{Family: "clock"}, nil
	}
	tokens := strings.Split(s, ".")
	if len(tokens) < 3 || tokens[0] != "spool" {
		return subjectParts{}, fmt.Errorf("subject %q is not of Spool", s)
	}
	if slices.Contains(tokens, "") {
		return subjectParts{}, fmt.Errorf("subject %q has an empty token", s)
	}
	sub, rest := subjectParts{Family: tokens[1]}, tokens[2:]
	want := 1
	switch sub.Family {
	case "notification":
		if sub.Kind, rest, want = rest[0], rest[1:], 2; sub.Kind == string(events.Undelivered) {
			want = 4
		} else if sub.Kind == "again" {
			want = 3
		}
	case "trigger", "done":
		sub.Kind, rest = rest[0], rest[1:]
	case "state":
		if sub.Kind, rest = rest[0], rest[1:]; len(rest) == 2 && (sub.Kind == partWatch || sub.Kind == partFiles) {
			want = 2 // of a watcher with a place
		}
	case "run":
		if sub.Kind, rest, want = rest[0], rest[1:], 2; sub.Kind == string(events.Undelivered) || sub.Kind == string(events.Told) {
			want = 3
		}
	case "called", "asked", "boot", "file", "paused", "pausedrun", "ack":
		want = 2
	case "seen", "again", "held":
		want = 3
	case "job", "verdict", "backlog", "result", "dead", "slot", "subscriber", "drive", "shareddrive", "place", "jobkey", "bulk", "runqueue", "runkey", "bulkitems":
	default:
		want = -1
	}
	if n, jobless := sub.jobless(); jobless && len(rest) == n {
		sub.Rest = strings.Join(rest, ".")
		return sub, nil
	} else if jobless || len(rest) != want {
		return subjectParts{}, fmt.Errorf("subject %q has not the form of its family", s)
	}
	sub.JobID, sub.Rest = rest[0], strings.Join(rest[1:], ".")
	return sub, nil
}

// jobless reports whether subjects of a family and kind name no job, and how many
// tokens follow then.
func (p subjectParts) jobless() (tokens int, is bool) {
	switch p.Family {
	case "subscriber", "drive", "shareddrive", "jobkey", "bulk":
		return 1, true
	case "place", "done", "runqueue", "runkey", "bulkitems":
		return 2, true
	case "state":
		return 2, p.Kind == "role"
	}
	return 0, false
}
