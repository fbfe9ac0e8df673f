package ui

import (
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
	"spool.internal/gateway/v2"
)

func (u *UI) runActions() []action {
	return []action{
		{path: runPath + "/rerun", do: u.rerun},
		{path: runPath + "/cancel", do: u.cancelRun},
		{path: runPath + "/ack", do: u.acknowledge},
		{path: runPath + "/unack", do: u.unacknowledge},
		{path: runPath + "/notices", do: u.retryNotices},
	}
}

// rerun starts an execution again and goes on to it, where its log is.
func (u *UI) rerun(c *call) (done, error) {
	id, err := u.api.Rerun(c.Context(), c.who, c.id("trigger_id"), c.form("key"))
	return done{Next: "/runs/" + id}, err
}

// How long the answer to a cancel waits for the end: longer than a flow gets to stop.
const (
	cancelWait = 4 * time.Second
	cancelLook = 100 * time.Millisecond
)

// cancelRun ends an execution, and says how that went.
func (u *UI) cancelRun(c *call) (done, error) {
	id, next := c.id("trigger_id"), "/runs/"+c.id("trigger_id")
	x, err := u.api.CancelExecution(c.Context(), c.who, id)
	for until := time.Now().Add(cancelWait); err == nil && x.Outcome == events.OutcomeRunning && time.Now().Before(until); {
		if err = wait.Sleep(c.Context(), cancelLook); err == nil {
			x, err = u.api.GetExecution(c.Context(), c.who, id, nil)
		}
	}
	if err != nil {
		return done{}, err
	}
	d, err := u.api.GetDetails(c.Context(), c.who, id, v2.DetailsQuery{NoLog: true})
	if err != nil {
		return done{}, err
	}
	return done{Next: next, Note: &Note{Text: sentence(visible(stopped(d)))}}, nil
}

// stopped says how the end went that somebody asked for.
func stopped(d v2.Details) string {
	for _, s := range d.Course {
		if s.Step == "ended" && !d.Cancelling.IsZero() {
			return s.Text
		}
	}
	return "It is " + word(d.Outcome)
}

// acknowledge notes that somebody has seen a failure.
func (u *UI) acknowledge(c *call) (done, error) {
	id := c.id("trigger_id")
	_, err := u.api.Acknowledge(c.Context(), c.who, id, c.form("note"))
	if wrong, ok := faultsOf(err); ok && wrong.Of("note") != "" {
		v, err := u.runOf(c)
		if err != nil {
			return done{}, err
		}
		v.Faults, v.Note.Value, v.Note.Fault = wrong, c.form("note"), wrong.Of("note")
		return done{}, &refused{"run", v}
	}
	if err != nil {
		return done{}, err
	}
	return done{Next: "/runs/" + id, Note: &Note{Text: "Acknowledged by you", At: c.now}}, nil
}

func (u *UI) unacknowledge(c *call) (done, error) {
	id := c.id("trigger_id")
	if err := u.api.Unacknowledge(c.Context(), c.who, id); err != nil {
		return done{}, err
	}
	return done{Next: "/runs/" + id, Note: &Note{Text: "The acknowledgement is taken back", At: c.now}}, nil
}

func (u *UI) retryNotices(c *call) (done, error) {
	id := c.id("trigger_id")
	sent, err := u.api.RetryNotices(c.Context(), c.who, id)
	if err != nil {
		return done{}, err
	}
	var text strings.Builder
	text.WriteString("Sent again:")
	for _, channel := range sent.Retried {
		text.WriteString(" " + string(channel))
	}
	return done{Next: "/runs/" + id, Note: &Note{Text: text.String(), At: c.now}}, nil
}
