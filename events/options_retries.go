package events

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Bounds of retries.
const (
	maxRetries     = 20        // attempts after the first
	maxBackoff     = time.Hour // between two attempts
	defaultBackoff = 30 * time.Second
)

// Retries is the object "spool.run.retries": which failed attempts of a run are
// followed by another. The zero value says none.
type Retries struct {
	Times   int           `json:"times"`             // attempts after the first that failed
	OnExit  []int         `json:"on_exit,omitempty"` // the exit statuses that are tried again; empty = any failure
	Backoff time.Duration `json:"backoff_ns"`        // before the second attempt; doubled before each that follows
}

// readRetries reads the object in that of "spool.run".
func readRetries(run *reader) (o Retries) {
	if _, given := run.o.Get("retries"); !given {
		return o
	}
	r := run.object("retries", true)
	if _, given := r.o.Get("times"); !given {
		r.fail("times", "is required: how often a failed run is tried again")
	}
	o.Times = r.integer("times", 0, 1, maxRetries)
	o.Backoff = r.duration("backoff", maxBackoff)
	if o.Backoff < 0 {
		o.Backoff = defaultBackoff
	}
	o.OnExit = r.exits("on_exit")
	r.refuseUnknown()
	return o
}

// exits reads a list of exit statuses; "any" is none of them.
func (r *reader) exits(key string) []int {
	raw, given := r.o.Get(key)
	if text, isText := stringValue(r.o, key); !given || isText && text == "any" {
		return nil
	}
	var list []int
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 || slices.ContainsFunc(list, func(n int) bool { return n < 1 || n > 255 }) {
		r.fail(key, `must be "any" or a list of exit statuses from 1 to 255, like [75]`)
		return nil
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Again reports whether another attempt follows one that has failed, with that
// one the given number of failed attempts. exit is nil when the flow did not end
// by itself.
func (o Retries) Again(exit *int, failed int) bool {
	if failed > o.Times {
		return false
	}
	return len(o.OnExit) == 0 || exit != nil && slices.Contains(o.OnExit, *exit)
}

// Wait is the time between an attempt and the next, when so many have failed. It
// doubles, up to [maxBackoff]; chance, from 0 to 1, takes off up to a tenth, so that
// what failed together is not tried again together.
func (o Retries) Wait(failed int, chance float64) time.Duration {
	wait := o.Backoff
	for range failed - 1 {
		if wait = min(2*wait, maxBackoff); wait == maxBackoff {
			break
		}
	}
	return wait - time.Duration(float64(wait)*chance/10)
}

// maxAttempts is how many attempts are remembered of a run: all that failed, and
// the last of those that were cut short.
const maxAttempts = 2 * maxRetries

// Attempt is an attempt of a run that is over and was not the last.
type Attempt struct {
	Number     int       `json:"attempt"`
	StartedAt  time.Time `json:"started_at,omitzero"`  // absent when the flow could not be started
	EndedAt    time.Time `json:"ended_at,omitzero"`    // absent when Spool died or stopped while it was under way
	ExitStatus *int      `json:"exit_status,omitzero"` // see [RunEvent]
	Message    string    `json:"message"`              // why it failed, in short
}

// maxReason is how much of the message of an attempt is kept beside those of others, in bytes.
const maxReason = 200

// Failures counts the attempts that ended by themselves, in failure.
func Failures(attempts []Attempt) int {
	n := 0
	for _, a := range attempts {
		if !a.EndedAt.IsZero() {
			n++
		}
	}
	return n
}

// notBegun begins the message of an attempt whose program could not be started for a
// reason that may pass.
const notBegun = "cannot be started now: "

// NotBegunMessage is the message of such an attempt.
func NotBegunMessage(why string) string { return notBegun + why }

// NotBegun reports that ev is about such an attempt.
func (ev RunEvent) NotBegun() bool { return strings.HasPrefix(ev.Message, notBegun) }

// Starts counts those of the attempts.
func Starts(attempts []Attempt) (n int) {
	for _, a := range attempts {
		if strings.HasPrefix(a.Message, notBegun) {
			n++
		}
	}
	return n
}

// AttemptsWith is what is remembered of a run's attempts when ev is over: an end of an
// attempt, or the start of one that was cut short.
func (ev RunEvent) AttemptsWith() []Attempt {
	a := Attempt{Number: ev.Attempt, StartedAt: ev.StartedAt, EndedAt: ev.At, ExitStatus: ev.ExitStatus, Message: ev.Message}
	if ev.Interrupted() {
		a.EndedAt = time.Time{}
	}
	if ev.Phase == Started {
		a = Attempt{Number: ev.Attempt, StartedAt: ev.At, Message: "cut short: Spool stopped or died"}
	}
	a.Message = shorten(a.Message)
	all := append(slices.Clone(ev.Attempts), a)
	if len(all) > maxAttempts {
		if i := slices.IndexFunc(all, func(a Attempt) bool { return a.EndedAt.IsZero() }); i >= 0 {
			all = slices.Delete(all, i, i+1)
		}
	}
	return all
}
