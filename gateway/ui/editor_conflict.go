package ui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/ui/jobform"
)

// conflict is what somebody else has changed while a form was filled in.
type conflict struct {
	By      []otherChange // oldest first
	Fields  []threeWay
	Unknown bool // what the form was filled in from is not kept
}

// otherChange is one change of somebody.
type otherChange struct {
	Who, What string
	At        time.Time
	Zone      string
}

// threeWay is a field on which two people disagree, or that one of them changed.
type threeWay struct {
	Label               string
	Before, Hers, Yours string
	Both                bool // both have changed it
}

// collide shows a form again whose job has changed under it.
func (u *UI) collide(c *call, e *editor) error {
	_, hers, err := shownOf(*e.Job)
	if err != nil {
		return err
	}
	before, known := u.valuesAt(c, e.Job.ID, e.ETag)
	x := &conflict{Unknown: !known, By: u.changesSince(c, e), Fields: differences(before, hers, e, known)}
	e.Conflict = x
	text := "Somebody has changed the job while you did. Nothing of yours is saved, and nothing of it is lost."
	if n := len(x.By); n > 0 {
		last := x.By[n-1]
		text = last.Who + " changed " + last.What + " at " + last.At.In(zoneOf(last.Zone)).Format("15:04 MST") + ", while you did. Nothing of yours is saved, and nothing of it is lost."
	}
	e.Faults = faults{{"", text}}
	return &refused{editorTemplate, u.render(c, e)}
}

// valuesAt are the fields of a job as one of its revisions had it.
func (u *UI) valuesAt(c *call, id, etag string) (url.Values, bool) {
	then, err := u.api.GetHistoryEntry(c.Context(), c.who, id, strings.Trim(etag, `"`))
	if err != nil {
		return nil, false
	}
	o, err := events.ParseObject(then.Parameters)
	if err != nil {
		return nil, false
	}
	return jobform.Values(o), true
}

// changesSince lists the changes of a job behind a revision.
func (u *UI) changesSince(c *call, e *editor) (all []otherChange) {
	history, err := u.api.ListHistory(c.Context(), c.who, e.Job.ID, url.Values{})
	if err != nil {
		return nil
	}
	since := strings.Trim(e.ETag, `"`)
	for _, h := range history.History {
		if strconv.FormatUint(h.N, 10) == since {
			break
		}
		var what []string
		for _, f := range leaves(h.Changes) {
			if label := strings.ToLower(labelOf(f.Field)); !slices.Contains(what, label) {
				what = append(what, label)
			}
		}
		if len(what) == 0 {
			what = []string{"it (" + string(h.Event) + ")"}
		}
		all = append(all, otherChange{h.By, joinAnd(what), h.At, e.Job.Timezone})
	}
	slices.Reverse(all)
	return all
}

// joinAnd makes a list of words: a, b and c.
func joinAnd(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// differences are the fields in which a form differs from the job, or that either changed.
func differences(before, hers url.Values, e *editor, known bool) (all []threeWay) {
	for _, s := range editorLayout {
		for _, c := range s.Controls {
			other := (c.Only == jobform.Command || c.Only == jobform.Flow) && c.Only != e.Kind
			if c.Fixed || other || c.Type == "secret" || c.Type == "secrets" {
				continue
			}
			h, y, b := hers[c.Name], e.values[c.Name], before[c.Name]
			if same(h, y) {
				continue
			}
			d := threeWay{Label: c.Label, Before: inline(b), Hers: inline(h), Yours: inline(y)}
			d.Both = !known || !same(h, b) && !same(y, b)
			all = append(all, d)
		}
	}
	return all
}

// inline writes what a control holds into one line.
func inline(texts []string) string {
	return strings.ReplaceAll(strings.Join(texts, ", "), "\n", ", ")
}

func same(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }

// settle takes one side of a conflict into the form, which is shown again, now for the job
// as it is.
func (u *UI) settle(c *call, e *editor, step string) error {
	_, hers, err := shownOf(*e.Job)
	if err != nil {
		return err
	}
	before, known := u.valuesAt(c, e.Job.ID, e.ETag)
	switch step {
	case "hers":
		e.values = hers
		e.Notices = append(e.Notices, "The form shows the job as it is now. What you typed is dropped.")
	case "both":
		for name, texts := range hers {
			if known && same(e.values[name], before[name]) {
				e.values[name] = texts
			}
		}
		e.Notices = append(e.Notices, "The form has your changes on top of the others’. Where both changed a field, yours is there. Nothing is saved yet.")
	default:
		e.Notices = append(e.Notices, "The form is as you typed it. Saving it undoes what the others changed where it differs. Nothing is saved yet.")
	}
	e.ETag, e.Focus = e.Job.ETag, "notice"
	return &instead{editorTemplate, u.render(c, e)}
}
