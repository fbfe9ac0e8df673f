package ui

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/ui/jobform"
)

// editorTemplate shows a job that is made or changed.
const editorTemplate = "editor"

func (u *UI) editorPages() []page {
	return []page{
		{path: "/jobs/new", template: editorTemplate, nav: "Jobs", may: events.Token.MayWrite, view: u.viewNew},
		{path: "/jobs/{id}/edit", template: editorTemplate, nav: "Jobs", may: events.Token.MayWrite, view: u.viewEdit},
	}
}

func (u *UI) editorActions() []action {
	return []action{
		{path: "/jobs/new", do: u.createJob},
		{path: "/jobs/{id}/edit", do: u.editJob},
		{path: "/jobs/preview", do: u.previewJob},
	}
}

// newEditor is the page of a job that is to be made.
func newEditor(values url.Values) *editor {
	return &editor{
		Head: "New job", Action: "/jobs/new", Key: cmp.Or(values.Get("key"), uuid.NewString()), Kind: values.Get(jobform.Kind), values: values,
	}
}

func (u *UI) viewNew(c *call) (any, error) {
	from := strings.ToLower(c.query.Get("from"))
	if from == "" {
		return u.render(c, newEditor(jobform.Empty())), nil
	}
	d, err := u.api.GetJob(c.Context(), c.who, from, url.Values{})
	if err != nil {
		return nil, err
	}
	shown, err := events.ParseObject(d.Parameters)
	if err != nil {
		return nil, err
	}
	values, dropped := jobform.Duplicate(shown)
	e := newEditor(values)
	e.Head = "Copy of " + d.Name
	e.Notices = append(e.Notices, copied(d.Name, dropped))
	return u.render(c, e), nil
}

// copied says what a copy has, and what it lacks.
func copied(name string, dropped []string) string {
	if len(dropped) == 0 {
		return "All that “" + name + "” has is copied. Nothing is made yet."
	}
	var labels []string
	for _, field := range dropped {
		labels = append(labels, strings.ToLower(labelOf(field)))
	}
	return "Copied from “" + name + "” without what a copy cannot have: " + strings.Join(labels, ", ") + ". Type these anew where they are needed. Nothing is made yet."
}

// labelOf is what people call a field.
func labelOf(name string) string {
	field := jobform.FieldOf(name)
	if strings.Contains(field, name+".") {
		return name // of an object with many fields
	}
	for _, s := range editorLayout {
		for _, c := range s.Controls {
			if c.Name == field && field != "" {
				return c.Label
			}
		}
	}
	return name
}

// createJob makes a job, or shows more of the form.
func (u *UI) createJob(c *call) (done, error) {
	values := jobform.Posted(c.r.PostForm)
	e := newEditor(values)
	if step := values.Get("do"); step != "" && step != "create" {
		return done{}, u.again(c, e, step)
	}
	o, err := jobform.New(values)
	if err == nil {
		d, _, created := u.api.CreateJob(c.Context(), c.who, o, e.Key)
		if err = created; err == nil {
			return done{Next: "/jobs/" + d.ID + "?did=" + d.ID}, nil
		}
	}
	if f := faultOn(err, events.HeaderKey); f {
		e.Key = uuid.NewString()
		e.Faults = faults{{"", "This form has made a job before, with other values. Press Create again to make another one."}}
		return done{}, &refused{editorTemplate, u.render(c, e)}
	}
	if !e.faulted(err) {
		return done{}, err
	}
	return done{}, &refused{editorTemplate, u.render(c, e)}
}

// faultOn reports a fault of a field.
func faultOn(err error, field string) bool {
	all, ok := faultsOf(err)
	return ok && err != nil && len(all) > 0 && all[0].Field == field
}

// again shows the form once more: with what it means, or with a folder to choose from.
func (u *UI) again(c *call, e *editor, step string) error {
	verb, rest, _ := strings.Cut(step, ":")
	switch verb {
	case "pick":
		e.Pick, e.Focus = u.pick(c, e.values, rest), "pick"
	case "take":
		field, path, _ := strings.Cut(rest, "=")
		e.values.Set(field, path)
		e.Notices, e.Focus = append(e.Notices, labelOf(field)+": "+path), "notice"
	default:
		e.Focus = "preview"
	}
	return &instead{editorTemplate, u.render(c, e)}
}
