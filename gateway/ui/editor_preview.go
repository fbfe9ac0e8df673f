package ui

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/ui/jobform"
	"spool.internal/gateway/v2"
)

// preview is what a form would make, beside it.
type preview struct {
	Words    string // the schedule, or the folder
	From     string // the day from which runs are shown; empty: today
	Next     []coming
	Warnings []string
	Missing  string // why it cannot be saved as it is
}

// coming is a run to come.
type coming struct {
	At   time.Time
	Zone string
	Mark string // gap or fold, in words
}

// previewJob answers the module that shows what the form means.
func (u *UI) previewJob(c *call) (done, error) {
	values := jobform.Posted(c.r.PostForm)
	e := newEditor(values)
	if id := values.Get("job"); id != "" {
		d, err := u.api.GetJob(c.Context(), c.who, strings.ToLower(id), url.Values{})
		if err != nil {
			return done{}, err
		}
		e.Job = &d
	}
	return done{}, &instead{"preview", u.preview(c, e)}
}

// preview says what a form means now.
func (u *UI) preview(c *call, e *editor) *preview {
	p := &preview{From: e.of("preview.from")}
	if e.of(jobform.When) == jobform.Files {
		p.Words = "A run for each file that comes into " + cmp.Or(e.of("flow_parameters.input_dir"), "the folder") + "."
	} else if text := e.of("schedule"); text != "" {
		u.previewSchedule(p, v2.ScheduleText{Schedule: text, Timezone: e.of("spool.timezone")})
	}
	d, err := u.would(c, e)
	switch {
	case err == nil:
		p.Warnings = d.Warnings
	case p.Missing == "":
		if all, ok := formFaults(err); ok && len(all) > 0 {
			p.Missing = missing(all[0])
		}
	}
	for i := range p.Warnings {
		p.Warnings[i] = sentence(p.Warnings[i])
	}
	return p
}

// missing says of what field a fault is.
func missing(f fault) string {
	if f.Field == "" || f.Text == "" {
		return f.Text
	}
	return labelOf(f.Field) + " " + strings.ToLower(f.Text[:1]) + f.Text[1:]
}

func (u *UI) previewSchedule(p *preview, s v2.ScheduleText) {
	ask := v2.PreviewRequest{ScheduleText: s}
	if day, err := time.Parse(time.DateOnly, p.From); err == nil {
		ask.From = day.Add(-time.Minute)
		if zone, err := schedule.LoadLocation(s.Timezone); err == nil && s.Timezone != "" {
			ask.From = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone).Add(-time.Minute)
		}
	}
	v, err := u.api.Preview(ask)
	if err != nil {
		if all, ok := formFaults(err); ok && len(all) > 0 {
			p.Missing = missing(all[0])
		}
		return
	}
	p.Words, p.Warnings = v.Description, v.Warnings
	for _, slot := range v.Next {
		p.Next = append(p.Next, coming{slot.UTC, v.Timezone, marked(slot, v.Details)})
	}
}

// marked says what a change of clocks does to a slot, in the words of the schedule.
func marked(slot v2.PreviewSlot, details []schedule.Warning) string {
	if slot.Mark == "" {
		return ""
	}
	i := slices.IndexFunc(details, func(w schedule.Warning) bool {
		return string(w.Code) == string(slot.Mark) && w.At.Sub(slot.UTC).Abs() < 12*time.Hour
	})
	name := map[schedule.Mark]string{schedule.Gap: "gap", schedule.Fold: "twice"}[slot.Mark]
	if i < 0 {
		return name
	}
	return name + ": " + details[i].Text
}

// would gives the job that a form would make.
func (u *UI) would(c *call, e *editor) (v2.JobDetails, error) {
	if e.Job == nil {
		o, err := jobform.New(e.values)
		if err != nil {
			return v2.JobDetails{}, err
		}
		return u.api.WouldCreate(c.Context(), c.who, o)
	}
	patch, err := patchOf(e)
	if err != nil {
		return v2.JobDetails{}, err
	}
	return u.api.WouldPatch(c.Context(), c.who, e.Job.ID, patch, func(events.JobRevision) error { return nil })
}

// patchOf is what a form changes of a job as it is now.
func patchOf(e *editor) (events.Object, error) {
	shown, err := events.ParseObject(e.Job.Parameters)
	if err != nil {
		return nil, err
	}
	return jobform.Patch(shown, e.values)
}
