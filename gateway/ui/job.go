package ui

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/slots"
)

// jobPath is that of a job; what stands beside it, as /jobs/preview, is none.
const jobPath = "/jobs/{id:[0-9A-Fa-f-]+}"

func (u *UI) jobPages() []page {
	return []page{
		{path: jobPath, template: "job", nav: "Jobs", view: u.viewJob},
		{path: jobPath + "/slots", template: "slots", nav: "Jobs", view: u.viewSlots},
		{path: jobPath + "/runs", template: "runs", nav: "Jobs", view: u.viewJobRuns},
		{path: jobPath + "/history", template: "history", nav: "Jobs", view: u.viewHistory},
		{path: "/runs", template: "runs", nav: "Runs", view: u.viewRuns},
	}
}

// newestRuns is how many runs are listed on the page of a job.
const newestRuns = 10

// jobHead is what every page of a job begins with.
type jobHead struct {
	v2.JobDetails
	Zone     *time.Location
	MayWrite bool
	Tab      string // of the pages of the job: "", runs, slots, files, history
}

// Few reports whether the map has a row for each week.
func (p *jobPage) Few() bool { return p.Heat != nil && p.Heat.Few }

// AtBoot reports whether it runs at each start of its machine.
func (h jobHead) AtBoot() bool { return h.Plan != nil && h.Plan.Slots != nil && h.Plan.Slots.Reboot() }

// Shadow reports whether the slots of the disabled job are decided.
func (h jobHead) Shadow() bool { return h.Plan != nil && h.Plan.Options.Shadow }

// Off says who disabled the job, until when and why.
func (h jobHead) Off() string {
	var f why.Facts
	if d := h.Disabled; d != nil {
		f = why.Facts{By: d.By, At: d.At, Until: d.Until, Reason: d.Reason}
	}
	if f.By == "" && f.Reason == "" {
		return ""
	}
	return why.At{Now: time.Now(), Zone: h.Zone}.Disabled(f)
}

// Files reports whether the job watches a folder.
func (h jobHead) Files() bool { return h.Schedule == "" }

// RunKey is the key of the form that runs the job.
func (h jobHead) RunKey() string { return timedKey() }

// ReadOnly says why there are no controls.
func (h jobHead) ReadOnly() *emptyList { return readOnly() }

// On reports whether the job is enabled.
func (h jobHead) On() bool { return h.Status == events.Enabled }

// jobPage is the page of a job.
type jobPage struct {
	jobHead
	Behaviour []jobSetting
	Parts     []jobSetting
	Settings  string // all of them as JSON, secrets masked
	Upcoming  []jobNext
	Heat      *heat
	HeatAway  *emptyList
	At        *slotWhy
	Bars      *bars
	Runs      []runRow
	RunsEmpty *emptyList
	Folder    *folder // of a job of kind files
	Disable   disableForm
	Faults    faults
}

func (p jobPage) title() string { return p.Name }

// jobNext is a slot to come.
type jobNext struct {
	At   time.Time
	Note string // what a change of clocks does to it
}

// slotWhy is the sentence of a slot of the map.
type slotWhy struct {
	At     time.Time
	Zone   *time.Location
	Answer why.Answer
	Others []slotRow // of the same hour or day
	Href   string    // of the list of all of these
}

// disableForm is what was typed of why and until when.
type disableForm struct {
	Open   bool
	Reason field
	Until  field
}

// findJob reads what every page of a job begins with. Of a job that was deleted the fault
// says by whom.
func (u *UI) findJob(c *call, tab string) (jobHead, error) {
	id := c.id("id")
	d, err := u.api.GetJob(c.Context(), c.who, id, nil)
	if err != nil {
		return jobHead{}, u.deletedJob(c, id, err)
	}
	h := jobHead{JobDetails: d, Zone: u.api.Zone, MayWrite: c.mayWrite(), Tab: tab}
	if d.Plan != nil {
		h.Zone = d.Plan.Zone
	}
	return h, nil
}

// deletedJob says of a job that is not there who deleted it, where that is known.
func (u *UI) deletedJob(c *call, id string, err error) error {
	if events.CodeOf(err) != events.NotFound {
		return err
	}
	ev, found, unread := u.api.Deleted(c.Context(), c.who, id)
	if unread != nil || !found {
		return err
	}
	return events.Faultf(events.NotFound, "", "%s deleted the job %q on %s", ev.By, ev.Job.Name, ev.At.In(u.api.Zone).Format("Mon 2 Jan 2006 15:04 MST"))
}

func (u *UI) viewJob(c *call) (any, error) {
	return u.jobPage(c, disableForm{}, nil)
}

// jobPage reads the page of a job; what of it cannot be read is said in its place.
func (u *UI) jobPage(c *call, typed disableForm, wrong faults) (any, error) {
	h, err := u.findJob(c, "")
	if err != nil {
		return nil, err
	}
	p := &jobPage{jobHead: h, Faults: wrong}
	p.Disable = typed
	p.fillForm(c)
	if p.Plan != nil {
		p.Behaviour, p.Parts = jobBehaviour(p.Plan), jobParts(p.Plan)
		p.Upcoming = upcomingOf(p.Plan.Slots, p.NextRuns)
	}
	for i, w := range p.Warnings {
		p.Warnings[i] = sentence(w)
	}
	p.Settings = indented(p.Parameters)
	var wg sync.WaitGroup
	wg.Go(func() { u.readRuns(c, p) })
	if p.Files() {
		p.Folder = u.folder(c, p.Job)
	} else {
		wg.Go(func() { err = u.readSlots(c, p) })
	}
	wg.Wait()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// readRuns reads the last runs of a job: all are bars, the newest are rows too.
func (u *UI) readRuns(c *call, p *jobPage) {
	got, err := u.api.ListResults(c.Context(), c.who, p.ID, url.Values{"limit": {strconv.Itoa(barsShown)}})
	if err != nil {
		p.RunsEmpty = partAway("Runs", err, "The schedule is shown.")
		return
	}
	p.Bars = newBars(got.Results, p.Zone)
	rows := got.Results[:min(len(got.Results), newestRuns)]
	p.Runs = u.runRows(c, rows, p.Bars.Median)
	if len(got.Results) == 0 {
		p.RunsEmpty = noneYet("It never ran.")
	}
}

// readSlots reads the map of a job with a schedule, and the sentence of the slot that is chosen.
func (u *UI) readSlots(c *call, p *jobPage) error {
	var chosen time.Time
	if text := c.query.Get("at"); text != "" {
		var err error
		if chosen, err = time.Parse(time.RFC3339, text); err != nil {
			return events.Faultf(events.Invalid, "at", "%q is not an RFC 3339 time like 2026-03-28T01:30:00Z", text)
		}
	}
	sum, err := u.api.SummarizeSlots(c.Context(), c.who, p.ID, url.Values{
		"bucket": {string(slots.Hour)}, "from": {heatFrom(c.now, p.Zone).Format(time.RFC3339)}, "limit": {"1000"},
	})
	if err != nil {
		p.HeatAway = partAway("What became of its slots", err, "The schedule and the coming runs are shown.")
		return nil
	}
	p.Heat = newHeat(p.jobHead, sum, c.now, chosen)
	if c.cells != nil { // older rows change no more
		p.Heat.Rows = p.Heat.Rows[:min(heatLive, len(p.Heat.Rows))]
		return nil
	}
	if !chosen.IsZero() {
		p.At, err = u.slotWhy(c, p, chosen)
	}
	return err
}

// othersShown is how many other slots of the same cell are told.
const othersShown = 5

// slotWhy says what became of a slot, and of those beside it in the map.
func (u *UI) slotWhy(c *call, p *jobPage, at time.Time) (*slotWhy, error) {
	w := &slotWhy{At: at, Zone: p.Zone}
	var err error
	if w.Answer, err = u.api.ExplainJob(c.Context(), c.who, p.ID, url.Values{"at": {at.Format(time.RFC3339)}}); err != nil {
		return nil, err
	}
	width := slots.Hour
	if p.Heat.Few {
		width = slots.Day
	}
	from, to := width.Around(at.In(p.Zone))
	asked := url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Add(-time.Minute).Format(time.RFC3339)}}
	w.Href = "/jobs/" + p.ID + "/slots?" + asked.Encode()
	asked.Set("limit", strconv.Itoa(othersShown+1))
	told, err := u.api.TellSlots(c.Context(), c.who, p.ID, asked)
	if err != nil {
		return nil, err
	}
	for _, s := range told.Slots {
		if !at.Truncate(time.Minute).Equal(s.To) || s.Slots > 1 {
			w.Others = append(w.Others, slotRow{s})
		}
	}
	return w, nil
}

// upcomingOf says of the coming slots what changes of clocks do to them.
func upcomingOf(s *schedule.Schedule, runs []time.Time) (list []jobNext) {
	for _, at := range runs {
		next := jobNext{At: at}
		for slot := range s.Slots(at.Add(-time.Minute), at) {
			switch slot.Mark {
			case schedule.Gap:
				next.Note = "in place of a time that does not exist that day"
			case schedule.Fold:
				next.Note = "this time comes twice that day; it runs the first time"
			}
		}
		list = append(list, next)
	}
	return list
}

func indented(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return string(raw)
	}
	return out.String()
}
