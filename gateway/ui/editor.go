package ui

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/ui/jobform"
	"spool.internal/gateway/v2"
)

// editor is the page on which a job is made or changed.
type editor struct {
	Job      *v2.JobDetails // nil: of one that is to be made
	Head     string
	Action   string
	Key      string // of a job that is to be made
	ETag     string // of the revision that is changed
	Kind     string // of a job that is there
	Notices  []string
	Faults   faults
	Conflict *conflict
	Sections []section
	Zones    []string
	Profiles []string
	Pick     *picking
	Preview  *preview
	Focus    string // what gets the focus in a form that is shown again: preview, pick, notice
	Admin    bool

	values      url.Values
	secretSince map[string]time.Time // of the fields of secrets, as far as it is known
	madeAt      time.Time
}

func (e *editor) title() string { return e.Head }

// New reports whether the job is to be made.
func (e *editor) New() bool { return e.Job == nil }

// lay fills the controls with what is or was typed, and with what is wrong.
func (e *editor) lay() {
	e.Sections = nil
	for _, s := range editorLayout {
		shown := s
		shown.Controls = nil
		for _, c := range s.Controls {
			if c.Fixed && e.Job != nil || c.Admin && !e.Admin || e.Job != nil && (c.Only == jobform.Command || c.Only == jobform.Flow) && c.Only != e.Kind {
				continue
			}
			c.Values = e.values[c.Name]
			c.Value, c.Fault = e.values.Get(c.Name), e.Faults.Of(c.Name)
			c.Options = slices.Clone(c.Options)
			for i := range c.Options {
				c.Options[i].Chosen = c.Options[i].Value == c.Value
			}
			if c.Type == "choice" && c.Value != "" && !slices.ContainsFunc(c.Options, func(o option) bool { return o.Chosen }) {
				c.Options = append(c.Options, option{c.Value, c.Value, true}) // the API says what is wrong with it
			}
			e.fill(&c)
			shown.Open = shown.Open || c.Fault != "" || said(c)
			shown.Controls = append(shown.Controls, c)
		}
		e.Sections = append(e.Sections, shown)
	}
}

// fill adds to a control what it alone has.
func (e *editor) fill(c *control) {
	switch c.Type {
	case "command":
		c.Options = []option{{jobform.Line, "a line for a shell", e.values.Get(jobform.Argv) != jobform.List}, {jobform.List, "a program and its arguments, one a line", e.values.Get(jobform.Argv) == jobform.List}}
	case "secrets":
		for _, r := range jobform.Secrets(e.values) {
			row := secretRow{SecretRow: r}
			if r.Set && e.Job != nil {
				row.Since = e.set("run.secrets." + r.Name)
			}
			c.Rows = append(c.Rows, row)
		}
		for free := len(c.Rows); len(c.Rows) < free+2; {
			c.Rows = append(c.Rows, secretRow{SecretRow: jobform.SecretRow{At: len(c.Rows)}})
		}
	case "secret":
		if e.Job != nil {
			c.Hint = e.set(c.Name) + ", leave it empty to keep it."
		}
	}
}

// set says since when a secret is as it is.
func (e *editor) set(field string) string {
	at, ok := e.secretSince[field]
	if !ok {
		at = e.madeAt
	}
	if at.IsZero() {
		return "Set"
	}
	return "Set on " + at.In(zoneOf(e.Job.Timezone)).Format("2 Jan 2006")
}

// unsaid is what an empty form says.
var unsaid = jobform.Empty()

// said reports that a control says something that a new job would not.
func said(c control) bool {
	if c.Type == "secrets" {
		return len(c.Rows) > 2
	}
	return !slices.Equal(c.Values, unsaid[c.Name]) && strings.Join(c.Values, "") != ""
}

// of gives what was typed into a field.
func (e *editor) of(name string) string { return e.values.Get(name) }

// faulted takes in what is wrong. Not ok: that is no fault of the form.
func (e *editor) faulted(err error) (ok bool) {
	all, ok := formFaults(err)
	for _, f := range all {
		if name := jobform.FieldOf(f.Field); name != "" || f.Field == "" {
			f.Field = name
		} else {
			f.Field, f.Text = "", f.Field+": "+f.Text
		}
		e.Faults = append(e.Faults, f)
	}
	return ok
}

// formFaults is [faultsOf] for a form that may ask for what its sender may not do, and
// that is shown again while Spool cannot do it.
func formFaults(err error) (faults, bool) {
	if all, ok := faultsOf(err); ok {
		return all, ok
	}
	switch events.CodeOf(err) {
	case events.Forbidden, events.Unavailable, events.Full:
		if f, is := errors.AsType[*events.Error](err); is {
			return faults{{f.Field, sentence(f.Message)}}, true
		}
	}
	return nil, false
}

// propose reads what lists propose. What cannot be read is not proposed.
func (u *UI) propose(ctx context.Context, c *call, e *editor) {
	e.Zones = schedule.Zones()
	list, _ := u.api.ListProfiles(ctx, c.who)
	for _, p := range list.Profiles {
		if !slices.Contains(e.Profiles, p.Name) {
			e.Profiles = append(e.Profiles, p.Name)
		}
	}
}

// render makes the editor ready to be shown.
func (u *UI) render(c *call, e *editor) *editor {
	e.Admin = c.mayAdminister()
	u.propose(c.Context(), c, e)
	if e.Preview == nil {
		e.Preview = u.preview(c, e)
	}
	e.lay()
	return e
}
