package v2

import (
	"fmt"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// Step is one thing that happened to an execution.
type Step struct {
	At      time.Time      `json:"at"`
	Step    string         `json:"step"`
	Attempt int            `json:"attempt,omitzero"`
	Channel events.Channel `json:"channel,omitzero"`
	Says    string         `json:"says"`
}

// Notice is what is known of the notice of a run's end by one channel.
type Notice struct {
	Channel events.Channel `json:"channel"`
	State   string         `json:"state"` // told, undelivered, again
	At      time.Time      `json:"at"`
	Message string         `json:"message,omitzero"`
}

// States of a notice.
const (
	noticeTold  = "told"
	noticeLost  = "undelivered"
	noticeAgain = "again" // it was given up, and is being sent again
)

// notices are the notices of which something is known, in the order of the channels.
func (s *story) notices() []Notice {
	all := []Notice{}
	for _, channel := range events.Channels {
		told, failed, again := s.told[channel], s.failed[channel], s.again[channel]
		switch {
		case again.At.After(told.At) && again.At.After(failed.At):
			all = append(all, Notice{channel, noticeAgain, again.At.UTC(), ""})
		case told.At.After(failed.At):
			all = append(all, Notice{channel, noticeTold, told.At.UTC(), ""})
		case !failed.At.IsZero():
			all = append(all, Notice{channel, noticeLost, failed.At.UTC(), failed.Message})
		}
	}
	return all
}

// timeline is what happened, oldest first.
func (s *story) timeline() []Step {
	line := []Step{}
	add := func(at time.Time, what, says string, args ...any) *Step {
		if at.IsZero() {
			return &Step{}
		}
		line = append(line, Step{At: at.UTC(), Step: what, Says: fmt.Sprintf(says, args...)})
		return &line[len(line)-1]
	}
	if s.result != nil {
		add(s.result.TriggeredAt, "triggered", "%s", cameBy(s.result.Kind, s.id, "", s.result.File))
		if r := s.result; !r.StartedAt.IsZero() && r.Outcome != events.OutcomeCancelled {
			add(r.StartedAt, "called", "%s", calledSays(r))
		}
	} else {
		add(s.queued.Stored, "triggered", "%s", cameBy(s.queued.Kind, s.id, s.queued.By, s.queued.File))
	}
	if ev, ok := s.phases[events.Accepted]; ok {
		add(ev.At, "accepted", "its run waits for its turn")
	}
	s.attempts(add)
	if ev, ok := s.phases[events.Cancelling]; ok {
		add(ev.At, "cancelling", "%s", ev.Message)
	}
	if ev, ok := s.phases[events.Ended]; ok {
		add(ev.At, "ended", "%s", ev.Why).Attempt = ev.Attempt
	} else if r := s.result; r != nil && (r.Status == events.ERROR) {
		add(time.Unix(0, r.EndedNS), "ended", "%s", r.Why)
	}
	for _, channel := range events.Channels {
		if ev, ok := s.told[channel]; ok {
			add(ev.At, "told", "by %s", channel).Channel = channel
		}
		if ev, ok := s.failed[channel]; ok {
			add(ev.At, "undelivered", "%s", ev.Message).Channel = channel
		}
		if n, ok := s.again[channel]; ok {
			add(n.At, "told_again", "%s had it sent again", n.By).Channel = channel
		}
	}
	if s.ack != nil && s.ack.Covers(s.ended()) {
		add(s.ack.At, "acknowledged", "%s", strings.TrimSuffix("by "+s.ack.By+": "+s.ack.Note, ": "))
	}
	sorting.Stably(line, func(a, b Step) int { return a.At.Compare(b.At) })
	return line
}

// attempts adds the attempts of the run: those that are over, and the one that is not.
func (s *story) attempts(add func(time.Time, string, string, ...any) *Step) {
	r := s.run()
	if r == nil {
		return
	}
	last := 0
	for _, a := range r.Attempts {
		last = max(last, a.Number)
		add(a.Started, "started", "attempt %d", a.Number).Attempt = a.Number
		if a.Number != r.Attempt || r.State != "ended" { // else its end is that of the run
			add(a.Ended, "failed", "%s", firstLine(a.Message)).Attempt = a.Number
		}
	}
	if r.Attempt > last && !r.Started.IsZero() {
		add(r.Started, "started", "attempt %d", r.Attempt).Attempt = r.Attempt
		if ev, ok := s.phases[events.Retrying]; ok && r.State == "retrying" {
			add(ev.At, "failed", "%s", firstLine(ev.Message)).Attempt = ev.Attempt
		}
	}
}

func calledSays(r *events.Result) string {
	answer := "no answer"
	if r.HTTP.Status != "0" {
		answer = "answered with HTTP " + r.HTTP.Status
	}
	if r.Attempts > 1 {
		answer += fmt.Sprintf(", at call %d", r.Attempts)
	}
	return answer
}

// cameBy says what asked for an execution.
func cameBy(kind events.Kind, id, by string, f *events.File) string {
	switch {
	case kind == events.KindCron:
		return "by the clock"
	case f != nil && strings.HasPrefix(id, string(events.KindFile)+":"):
		return "the file " + f.Path + " came"
	case by != "":
		return "by " + by
	}
	return "by hand"
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
