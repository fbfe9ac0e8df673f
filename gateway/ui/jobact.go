package ui

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
)

func (u *UI) jobActions() []action {
	return []action{
		{path: jobPath + "/delete", do: u.deleteJob},
	}
}

// ofJobPage is what forms of the page of a job say, whose answer is that page.
const ofJobPage = "job"

// disableOnPage disables a job, with a reason and a time by the clocks of the job that may
// both be left out. What is refused is shown again with what was typed.
func (u *UI) disableOnPage(c *call) (done, error) {
	id := c.id("id")
	h, err := u.findJob(c, "")
	if err != nil {
		return done{}, err
	}
	t := change.Terms{Reason: c.form("reason")}
	if text := c.form("until"); text != "" {
		if t.Until, err = readLocal(text, h.Zone); err != nil {
			err = events.Faultf(events.Invalid, "until", "%q is not a time like 2026-11-24T02:30", text)
		}
	}
	if err == nil {
		_, err = u.api.DisableJob(c.Context(), c.who, id, t)
	}
	if wrong, ok := faultsOf(err); ok {
		page, err := u.jobPage(c, disableForm{Open: true}, wrong)
		if err != nil {
			return done{}, err
		}
		return done{}, &refused{"job", page}
	}
	if err != nil {
		return done{}, err
	}
	return done{Next: "/jobs/" + id}, nil
}

// fillForm makes the fields of the form that disables a job, with what was typed.
func (p *jobPage) fillForm(c *call) {
	value := func(name string) string {
		if c.r.Method == http.MethodPost {
			return c.form(name)
		}
		return ""
	}
	p.Disable.Reason = field{
		Name: "reason", Label: "Why", Value: value("reason"), Fault: p.Faults.Of("reason"),
		Hint: "Shown wherever somebody asks why it did not run.",
	}
	p.Disable.Until = field{
		Name: "until", Label: "Until", Type: "datetime-local", Value: value("until"), Fault: p.Faults.Of("until"),
		Hint: "By the clocks of " + p.Zone.String() + ". It is enabled by itself then; leave it empty to enable it yourself.",
	}
}

// Waits is how much goes on when the job is enabled, and is dropped when it is deleted.
func (h jobHead) Waits() int {
	if h.Waiting == nil {
		return 0
	}
	return h.Waiting.Files + h.Waiting.Triggers + h.Waiting.Runs
}

func (u *UI) deleteJob(c *call) (done, error) {
	id := c.id("id")
	if err := u.api.DeleteJob(c.Context(), c.who, id, nil); err != nil {
		return done{}, err
	}
	return done{Next: "/jobs?did=" + id}, nil
}
