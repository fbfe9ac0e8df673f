package ui

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/ui/jobform"
	"spool.internal/gateway/v2"
)

// editEditor is the page of a job that is changed.
func editEditor(d v2.JobDetails, values url.Values) *editor {
	return &editor{
		Job: &d, Head: "Edit " + d.Name, Action: "/jobs/" + d.ID + "/edit", ETag: d.ETag, Kind: values.Get(jobform.Kind), values: values,
	}
}

// shownOf gives the parameters of a job, and what the fields show of them.
func shownOf(d v2.JobDetails) (events.Object, url.Values, error) {
	o, err := events.ParseObject(d.Parameters)
	if err != nil {
		return nil, nil, err
	}
	return o, jobform.Values(o), nil
}

func (u *UI) viewEdit(c *call) (any, error) {
	d, err := u.api.GetJob(c.Context(), c.who, c.id("id"), url.Values{})
	if err != nil {
		return nil, err
	}
	shown, values, err := shownOf(d)
	if err != nil {
		return nil, err
	}
	e := editEditor(d, values)
	if n := c.query.Get("restore"); n != "" {
		if err := u.restore(c, e, shown, n); err != nil {
			return nil, err
		}
	}
	u.sinceWhen(c, e)
	return u.render(c, e), nil
}

// restore puts into the form what a job was after one of its changes.
func (u *UI) restore(c *call, e *editor, shown events.Object, n string) error {
	then, err := u.api.GetHistoryEntry(c.Context(), c.who, e.Job.ID, n)
	if err != nil {
		return err
	}
	was, err := events.ParseObject(then.Parameters)
	if err != nil {
		return err
	}
	zone := zoneOf(e.Job.Timezone)
	at := then.At.In(zone).Format("Mon 2 Jan 15:04 MST")
	if jobform.IsShort(was) != jobform.IsShort(shown) {
		e.Notices = append(e.Notices, "As of "+at+" it ran something of another kind, a command or a flow: the form shows the job as it is now. Make a new one to have the other kind.")
		return nil
	}
	e.values = jobform.Values(shown.Merge(then.Restore))
	e.Notices = append(e.Notices, "The form shows the job as it was after the change of "+at+" by "+then.By+". Nothing is changed yet.")
	return nil
}

// sinceWhen says since when the secrets of a job are as they are, as far as its history tells.
func (u *UI) sinceWhen(c *call, e *editor) {
	if e.values.Get(jobform.Kind) != jobform.Flow && len(jobform.Secrets(e.values)) == 0 {
		return
	}
	history, err := u.api.ListHistory(c.Context(), c.who, e.Job.ID, url.Values{})
	if err != nil {
		return
	}
	e.secretSince = map[string]time.Time{}
	for _, h := range slices.Backward(history.History) {
		for _, field := range h.Changed {
			e.secretSince[strings.TrimSuffix(field, ".file")] = h.At
		}
		if h.Event == events.JobCreated {
			e.madeAt = h.At
		}
	}
}

// editJob shows what a change does, or makes it.
func (u *UI) editJob(c *call) (done, error) {
	values := jobform.Posted(c.r.PostForm)
	d, err := u.api.GetJob(c.Context(), c.who, c.id("id"), url.Values{})
	if events.CodeOf(err) == events.NotFound {
		return done{}, u.deletedMeanwhile(c, values)
	}
	if err != nil {
		return done{}, err
	}
	e := editEditor(d, values)
	e.ETag = values.Get("etag")
	step := values.Get("do")
	switch {
	case step == "yours", step == "hers", step == "both":
		return done{}, u.settle(c, e, step)
	case step == "back", step == "preview", strings.HasPrefix(step, "pick:"), strings.HasPrefix(step, "take:"):
		return done{}, u.again(c, e, step)
	case e.ETag != d.ETag:
		return done{}, u.collide(c, e)
	}
	return u.reviewOrSave(c, e, step == "save")
}

func (u *UI) reviewOrSave(c *call, e *editor, save bool) (done, error) {
	patch, err := patchOf(e)
	if err == nil && len(patch) == 0 {
		e.Notices, e.Focus = append(e.Notices, "Nothing is changed: all is as it was."), "notice"
		return done{}, &instead{editorTemplate, u.render(c, e)}
	}
	var may func(events.JobRevision) error
	if err == nil {
		may, err = v2.IfMatch(e.ETag)
	}
	var d v2.JobDetails
	if err == nil && save {
		if d, err = u.api.PatchJob(c.Context(), c.who, e.Job.ID, patch, may); err == nil {
			return done{Next: "/jobs/" + d.ID + "?did=" + d.ID}, nil
		}
	} else if err == nil {
		if d, err = u.api.WouldPatch(c.Context(), c.who, e.Job.ID, patch, may); err == nil {
			return done{}, &instead{"review", u.review(c, e, d)}
		}
	}
	if faultOn(err, "If-Match") {
		return done{}, u.collide(c, e)
	}
	if !e.faulted(err) {
		return done{}, err
	}
	return done{}, &refused{editorTemplate, u.render(c, e)}
}

// deletedMeanwhile keeps what was typed of a job that somebody has deleted.
func (u *UI) deletedMeanwhile(c *call, values url.Values) error {
	values.Set("key", uuid.NewString())
	e := newEditor(values)
	e.Head = "New job"
	e.Faults = faults{{"", "The job was deleted while you changed it. What you typed is kept: Create makes a new job of it. Secrets that were set are gone: type them anew."}}
	return &refused{editorTemplate, u.render(c, e)}
}
