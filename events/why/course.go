package why

import (
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
)

// Course is what is known of one execution on its way from its trigger to the notices of
// its end. What is not known, or does not matter, is zero.
type Course struct {
	Facts
	CameBy   string        // what asked for it: by the clock
	Answer   string        // to its call: answered with HTTP 200
	Waits    string        // what it waits for now
	Host     string        // where its run is, or was
	Attempt  int           // of the run
	Usual    time.Duration // how long its runs take as a rule
	Asked    time.Time     // when somebody asked for its end
	AskedBy  string
	Killed   bool // it did not end by itself then
	Notified bool // somebody is to be told of its end
	Told     []Notice
}

// Notice is what is known of a notice of its end.
type Notice struct {
	Channel events.Channel
	At      time.Time
	Text    string // "told", "gave up: …", "sent again"
}

// CourseStep is one step of that way.
type CourseStep struct {
	Step  string
	State string        // one of the states below
	At    time.Time     // when it was done; else zero
	After time.Duration // since the step before; 0 = not known
	Text  string
}

// Steps of an execution, in their order; [StepCalled] is one too.
const (
	StepTriggered = "triggered"
	StepStarted   = "started"
	StepEnded     = "ended"
	StepTold      = "told"
)

// States of a step.
const (
	StepDone    = "done"
	StepNow     = "now"   // it has not come, and its text says what it waits for
	StepLater   = "later" // one before it has not come
	StepNever   = "never" // it does not come, and its text says why
	StepNotKept = "not_kept"
)

// Course tells how far an execution has come: when it was triggered, called, started,
// ended and told, and what the first step waits for that it has not reached.
func (a At) Course(c Course) []CourseStep {
	steps := []CourseStep{
		stepAt(StepTriggered, c.Triggered, c.CameBy), a.courseCalled(c), a.courseStarted(c), a.courseEnded(c), a.courseTold(c),
	}
	waits, last := false, time.Time{}
	for i := range steps {
		s := &steps[i]
		if s.State == StepNow && waits {
			s.State = StepLater
		}
		waits = waits || s.State == StepNow
		if s.State != StepDone {
			continue
		}
		if !last.IsZero() {
			s.After = max(s.At.Sub(last), 0)
		}
		last = s.At
	}
	return steps
}

func stepAt(step string, at time.Time, text string) CourseStep {
	if at.IsZero() {
		return CourseStep{Step: step, State: StepNotKept, Text: "not kept"}
	}
	return CourseStep{Step: step, State: StepDone, At: at, Text: text}
}

// over reports that an execution goes no further.
func (c Course) over() bool {
	switch c.Outcome {
	case events.OutcomeWaiting, events.OutcomeRetrying, events.OutcomeRunning, "":
		return false
	}
	return true
}

func (a At) courseCalled(c Course) CourseStep {
	switch {
	case !c.Called.IsZero():
		return stepAt(StepCalled, c.Called, c.Answer)
	case c.Outcome == events.OutcomeCancelled:
		return CourseStep{Step: StepCalled, State: StepNever, Text: "it was cancelled before its call"}
	case !c.over() && c.Started.IsZero():
		return CourseStep{Step: StepCalled, State: StepNow, Text: lower(c.Waits)}
	}
	return stepAt(StepCalled, time.Time{}, "")
}

func (a At) courseStarted(c Course) CourseStep {
	s := CourseStep{Step: StepStarted}
	switch {
	case !c.Started.IsZero():
		text := "attempt " + strconv.Itoa(max(c.Attempt, 1))
		if c.Host != "" {
			text += " on " + c.Host
		}
		return stepAt(StepStarted, c.Started, text)
	case !c.over() && c.Called.IsZero():
		s.State, s.Text = StepLater, "after its call"
	case !c.over():
		s.State, s.Text = StepNow, lower(c.Waits)
	case c.Outcome == events.OutcomeCalled:
		s.State, s.Text = StepNever, "the endpoint does not tell"
	case c.Outcome == events.OutcomeNotKept, c.Outcome == events.OutcomeOK:
		return stepAt(StepStarted, time.Time{}, "")
	default:
		s.State, s.Text = StepNever, "no run began"
	}
	return s
}

func (a At) courseEnded(c Course) CourseStep {
	s := CourseStep{Step: StepEnded}
	asked := ""
	if !c.Asked.IsZero() {
		asked = "asked to stop " + a.second(c.Asked)
		if c.AskedBy != "" {
			asked += " by " + c.AskedBy
		}
	}
	switch {
	case c.over() && !c.Ended.IsZero() && c.Outcome != events.OutcomeCalled && c.Outcome != events.OutcomeNotKept:
		text := a.came(c.Facts)
		if asked != "" {
			how := "; ended after "
			if c.Killed {
				how = "; killed after "
			}
			text += ": " + asked + how + span(c.Ended.Sub(c.Asked))
		} else if tail := c.tail(); tail != "" {
			text += ": " + tail
		}
		return stepAt(StepEnded, c.Ended, text)
	case c.Outcome == events.OutcomeRunning:
		s.State, s.Text = StepNow, a.came(c.Facts)
		if c.Usual > 0 {
			s.Text += " (usual " + span(c.Usual) + ")"
		}
		if asked != "" {
			s.Text = asked + "; it is killed when it has not ended after 3 s"
		}
	case !c.over():
		s.State, s.Text = StepLater, "after its run"
		if asked != "" {
			s.State, s.Text = StepNow, asked
		}
	case c.Outcome == events.OutcomeCalled:
		s.State, s.Text = StepNever, "nobody tells how it ends"
	default:
		return stepAt(StepEnded, time.Time{}, "")
	}
	return s
}

// toldWithin is how long after an end its notices may be on their way.
const toldWithin = 24 * time.Hour

func (a At) courseTold(c Course) CourseStep {
	s := CourseStep{Step: StepTold}
	if len(c.Told) > 0 {
		var texts []string
		var at time.Time
		for _, n := range c.Told {
			texts = append(texts, string(n.Channel)+" "+n.Text)
			if n.At.After(at) {
				at = n.At
			}
		}
		return stepAt(StepTold, at, strings.Join(texts, ", "))
	}
	switch {
	case !c.Notified:
		s.State, s.Text = StepNever, "its job names nobody to tell"
	case !c.over():
		s.State, s.Text = StepLater, "after its end"
	case c.Outcome == events.OutcomeCalled:
		s.State, s.Text = StepNever, "nobody knows its end"
	case a.Now.Sub(c.Ended) < toldWithin:
		s.State, s.Text = StepNow, "no notice has been sent yet"
	default:
		return stepAt(StepTold, time.Time{}, "")
	}
	return s
}
