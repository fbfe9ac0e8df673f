package ui

import (
	"cmp"
	"net/url"
	"time"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/gateway/ui/jobform"
	"spool.internal/gateway/v2"
)

// review is what a change of a job does, before it is made.
type review struct {
	Job      *v2.JobDetails
	Action   string
	Kept     []hidden // what was typed
	Changes  []changed
	Runs     []comparedRun // by the clock before and after
	Words    [2]string     // the schedule before and after; empty: nothing changes there
	Today    string        // what of today is over
	Warnings []string
}

func (r *review) title() string { return "Review: " + r.Job.Name }

// changed is a field that changes.
type changed struct{ Label, Field, Before, After string }

// comparedRun is a run of before, of after, or of both.
type comparedRun struct {
	At                time.Time
	Change            string // kept, added, removed
	BeforeZone, Zone  string
	Mark              string
	Before, Afterward bool
}

func (u *UI) review(c *call, e *editor, d v2.JobDetails) *review {
	r := &review{Job: e.Job, Action: e.Action, Kept: keep(e.values, e.ETag)}
	for _, w := range d.Warnings {
		r.Warnings = append(r.Warnings, sentence(w))
	}
	if d.DryRun != nil {
		for _, f := range leaves(d.DryRun.Changes) {
			r.Changes = append(r.Changes, changed{labelOf(f.Field), f.Field, plainOr(f.Before, "–"), plainOr(f.After, "–")})
		}
	}
	u.compareRuns(c, e, r)
	return r
}

// keep are the values of a form, to be hidden along.
func keep(values url.Values, etag string) (all []hidden) {
	for name, texts := range values {
		if name == "do" || name == "etag" {
			continue
		}
		for _, text := range texts {
			all = append(all, hidden{name, text})
		}
	}
	sorting.Stably(all, func(a, b hidden) int { return cmp.Compare(a.Name, b.Name) })
	return append(all, hidden{"etag", etag})
}

// leaves are changes of fields, where some are of objects that came or went as a whole.
func leaves(all []v2.FieldChange) (out []v2.FieldChange) {
	for _, f := range all {
		before, err1 := events.ParseObject(f.Before)
		after, err2 := events.ParseObject(f.After)
		if (err1 != nil && len(f.Before) > 0) || (err2 != nil && len(f.After) > 0) || len(before)+len(after) == 0 {
			out = append(out, f)
			continue
		}
		var inner []v2.FieldChange
		for _, m := range before {
			inner = append(inner, v2.FieldChange{Field: f.Field + "." + m.Key, Before: m.Value})
		}
		for _, m := range after {
			inner = append(inner, v2.FieldChange{Field: f.Field + "." + m.Key, After: m.Value})
		}
		out = append(out, leaves(inner)...)
	}
	return out
}

// plainOr is [plain] for a value that may not be there.
func plainOr(raw []byte, otherwise string) string {
	if len(raw) == 0 {
		return otherwise
	}
	return plain(raw)
}

// comparedRuns is how many runs are compared.
const comparedRuns = 10

// compareRuns puts the runs of before beside those of after, as the preview of the API does.
func (u *UI) compareRuns(c *call, e *editor, r *review) {
	_, was, err := shownOf(*e.Job)
	if err != nil {
		return
	}
	old := v2.ScheduleText{Schedule: was.Get("schedule"), Timezone: was.Get("spool.timezone")}
	fresh := v2.ScheduleText{Schedule: e.of("schedule"), Timezone: e.of("spool.timezone")}
	before, after := was.Get(jobform.When) == jobform.Clock, e.of(jobform.When) == jobform.Clock
	switch {
	case before && after && old != fresh:
		p, err := u.api.Preview(v2.PreviewRequest{ScheduleText: fresh, Compare: &old, Count: comparedRuns, From: c.now})
		if err != nil || p.Compare == nil {
			return
		}
		r.Words = [2]string{p.Compare.Description, p.Description}
		r.Runs = runsOf(p)
		r.Today = u.today(c, e, old)
	case before && !after:
		r.Words = [2]string{e.Job.Description, "A run for each file that comes into " + e.of("flow_parameters.input_dir") + "."}
		r.Today = u.today(c, e, old)
	case !before && after:
		if p, err := u.api.Preview(v2.PreviewRequest{ScheduleText: fresh}); err == nil {
			r.Words = [2]string{"A run for each file.", p.Description}
		}
	}
}

func runsOf(p v2.Preview) (runs []comparedRun) {
	add := func(change string, slots []v2.PreviewSlot) {
		for _, s := range slots {
			runs = append(runs, comparedRun{
				At: s.UTC, Change: change, BeforeZone: p.Compare.Timezone, Zone: p.Timezone, Mark: marked(s, p.Details),
				Before: change != "added", Afterward: change != "removed",
			})
		}
	}
	add("kept", p.Compare.Kept)
	add("added", p.Compare.Added)
	add("removed", p.Compare.Removed)
	sorting.Stably(runs, func(a, b comparedRun) int { return a.At.Compare(b.At) })
	return runs
}

// today says what of today's runs is over already.
func (u *UI) today(c *call, e *editor, old v2.ScheduleText) string {
	last, ok := u.lastToday(c, old)
	if !ok {
		return ""
	}
	clock := last.Format("15:04")
	answer, err := u.api.ExplainJob(c.Context(), c.who, e.Job.ID, url.Values{"at": {last.UTC().Format(time.RFC3339)}})
	switch {
	case err != nil:
		return ""
	case answer.Code == "fired" || answer.Code == "caught_up":
		return "Today’s " + clock + " has run already."
	default:
		return "Today’s " + clock + ": " + answer.Sentence
	}
}

// lastToday is the last slot of a schedule that is over, of the day that it is in its zone.
func (u *UI) lastToday(c *call, s v2.ScheduleText) (time.Time, bool) {
	p, err := u.api.Preview(v2.PreviewRequest{ScheduleText: s, Count: 1})
	if err != nil {
		return time.Time{}, false
	}
	now := c.now.In(zoneOf(p.Timezone))
	begin := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	return u.api.LastSlot(s, begin.Add(-time.Minute), now)
}
