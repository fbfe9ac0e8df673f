package ui

import (
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v2"
)

// clocksDiffer is how much the clocks of two servers may differ, one of which has made a key.
const clocksDiffer = time.Minute

// justNow is how long a start counts as one that may not have been noticed.
const justNow = time.Minute

// runJob starts a job, once for each form: one that is sent again is told what became of it,
// and asked.
func (u *UI) runJob(c *call) (done, error) {
	id, key := c.id("id"), c.form("key")
	before, err := u.startedBefore(c, id, key)
	if err != nil {
		return done{}, err
	}
	if before != "" {
		return u.askAgain(c, before)
	}
	triggerID, err := u.api.TriggerJob(c.Context(), c.who, id, key)
	if err != nil {
		return done{}, err
	}
	return done{
		Next: withDid(c.back(), triggerID),
		Note: &Note{Text: "Started by you at", At: c.now, Href: "/runs/" + triggerID, Link: "see the run"},
	}, nil
}

// onceMore asks whether a job that was started is to be started once more.
type onceMore struct {
	Name string
	Note *Note
}

func (a onceMore) title() string { return "Run " + a.Name + " again?" }

// startedBefore gives the run that a form has started before, or that the caller has started just
// now by another: Back shows a page anew, with another key. "" = there is none, or the caller
// was asked.
func (u *UI) startedBefore(c *call, id, key string) (triggerID string, err error) {
	if made, ok := keyedAt(key); ok {
		before, asked, err := u.api.AskedBefore(c.Context(), c.who, id, key, made.Add(-clocksDiffer))
		if err != nil || asked {
			return before, err
		}
	}
	if c.form("again") != "" {
		return "", nil
	}
	return u.api.AskedLately(c.Context(), c.who, id, c.now.Add(-justNow))
}

// askAgain says when a run was started that is asked for again.
func (u *UI) askAgain(c *call, triggerID string) (done, error) {
	n := &Note{
		Text: "It was started before, and runs once for each press.", Href: "/runs/" + triggerID, Link: "see the run",
		Ask: &ask{Action: c.r.URL.Path, Key: timedKey(), Next: c.back(), Button: "Run once more"},
	}
	name := "the job"
	switch e, err := u.api.GetExecution(c.Context(), c.who, triggerID, url.Values{}); {
	case err == nil:
		name = e.JobName
		n.Text, n.At = "It was started by you at", e.Triggered // keys are their owner's
	case events.CodeOf(err) != events.NotFound: // else it is on its way
		return done{}, err
	}
	if isPart(c.r) {
		return done{Note: n}, nil
	}
	return done{}, &refused{page: "again", data: onceMore{name, n}}
}

func (u *UI) enableJob(c *call) (done, error) {
	w, err := u.api.EnableJob(c.Context(), c.who, c.id("id"))
	if err != nil {
		return done{}, err
	}
	n := &Note{Text: "Enabled: it has no run to come."}
	switch {
	case c.form("of") == ofJobPage: // which is shown anew
		n = nil
	case !w.Job.NextRun.IsZero():
		n = &Note{Text: "Enabled. It runs next on " + stampOf(w.Job.NextRun, w.Job.Timezone, "Mon 2 Jan", "15:04 MST").Text + "."}
	case w.Job.Schedule == "":
		n = &Note{Text: "Enabled: files in its folder are taken again."}
	}
	return done{Next: c.back(), Note: n}, nil
}

func (u *UI) disableJob(c *call) (done, error) {
	if c.form("of") == ofJobPage {
		return u.disableOnPage(c)
	}
	until, err := u.untilOf(c.form("until"))
	if err != nil {
		return done{}, err
	}
	terms, err := v2.ReadTerms(c.form("reason"), until)
	if err != nil {
		return done{}, err
	}
	w, err := u.api.DisableJob(c.Context(), c.who, c.id("id"), terms)
	if err != nil {
		return done{}, err
	}
	n := &Note{Text: "Disabled. What has started goes on."}
	if d := w.Job.Disabled; d != nil && !d.Until.IsZero() {
		n.Text = "Disabled until " + stampOf(d.Until, u.api.Zone, "Mon 2 Jan", "15:04 MST").Text + ". What has started goes on."
	}
	return done{Next: c.back(), Note: n}, nil
}

// untilOf writes a time that was typed as the API takes it. A control of a page gives one without
// a zone: that is the server's, as the control says beside it.
func (u *UI) untilOf(text string) (string, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, u.api.Zone); err == nil {
			return t.Format(time.RFC3339), nil
		}
	}
	return text, nil
}

// back is the page that a form was on; its list of jobs where it does not say.
func (c *call) back() string {
	if next := c.form("next"); next != "" {
		return next
	}
	return "/jobs"
}

// withDid is a page with what was done in its address, so that it can be told there.
func withDid(next, id string) string {
	at, err := url.Parse(next)
	if err != nil {
		return next
	}
	q := at.Query()
	q.Set("did", id)
	at.RawQuery = q.Encode()
	return at.String()
}
