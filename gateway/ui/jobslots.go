package ui

import (
	"net/url"
	"strconv"
	"time"

	"spool.internal/events/why"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/slots"
)

// slotsOnPage is how many slots a page has.
const slotsOnPage = 50

// slotsPage lists what became of the slots of a job, newest first.
type slotsPage struct {
	jobHead
	Rows     []slotRow
	Verdicts []option
	From, To string // by the clocks of the job
	Any      bool
	Empty    *emptyList
	Earlier  string // where older slots are; empty: there are none
	Newest   string // the list from its beginning
	Known    time.Time
	Shown    string
}

func (p slotsPage) title() string { return "Slots of " + p.Name }

// slotRow is what became of a slot, or of several.
type slotRow struct{ v2.ToldSlot }

// Standing is the mark of the row.
func (r slotRow) Standing() string { return slots.StandingOf(r.Verdict, r.Facts.Outcome) }

// Word names the verdict, and how its run came out.
func (r slotRow) Word() string {
	if r.Verdict != slots.Fired && r.Verdict != slots.CaughtUp || r.Facts.Outcome == "" {
		return word(r.Verdict)
	}
	return word(r.Verdict) + ", " + word(r.Facts.Outcome)
}

// Link names the slot in the address of the page of its job.
func (r slotRow) Link() string { return r.To.UTC().Format(time.RFC3339) }

// Started is when its run began, or was called for.
func (r slotRow) Started() time.Time {
	for _, t := range []time.Time{r.Facts.Started, r.Facts.Called, r.Facts.Triggered} {
		if !t.IsZero() {
			return t
		}
	}
	if r.LatenessMS != nil {
		return r.To.Add(time.Duration(*r.LatenessMS) * time.Millisecond)
	}
	return r.To
}

// slotKeys are what slots are chosen by.
var slotKeys = []string{"from", "to", "verdict"}

func (u *UI) viewSlots(c *call) (any, error) {
	h, err := u.findJob(c, "slots")
	if err != nil {
		return nil, err
	}
	p := &slotsPage{jobHead: h, From: localText(c.query.Get("from"), h.Zone), To: localText(c.query.Get("to"), h.Zone)}
	if h.Files() {
		p.Empty = noneYet("The job watches a folder: it has files in place of slots.", link{"/jobs/" + h.ID + "/files", "Its files"})
		return p, nil
	}
	q, err := c.span(c.pass(), h.Zone)
	if err != nil {
		return nil, err
	}
	q.Set("limit", strconv.Itoa(slotsOnPage))
	told, err := u.api.TellSlots(c.Context(), c.who, h.ID, q)
	if err != nil {
		return nil, err
	}
	p.Known, p.Shown = told.KnownFrom, why.Count(len(told.Slots), "row")
	for _, s := range told.Slots {
		p.Rows = append(p.Rows, slotRow{s})
	}
	p.Verdicts = []option{{"", "any verdict", false}}
	for _, v := range slots.Verdicts {
		p.Verdicts = append(p.Verdicts, option{v, standingWord(v), v == c.query.Get("verdict")})
	}
	here := url.Values{}
	for _, key := range slotKeys {
		if v := c.query.Get(key); v != "" {
			p.Any = true
			here.Set(key, v)
		}
	}
	if here.Has("to") {
		newest := url.Values{"verdict": here["verdict"], "from": here["from"]}
		p.Newest = c.path + "?" + newest.Encode()
	}
	if !told.Earlier.IsZero() {
		here.Set("to", told.Earlier.UTC().Format(time.RFC3339))
		p.Earlier = c.path + "?" + here.Encode()
	}
	if len(p.Rows) == 0 {
		p.Empty = noneYet("No slot has come yet. The next ones are on the page of the job.", link{"/jobs/" + h.ID, "The job"})
		if p.Any {
			p.Empty = noMatch(0, "slots", c.path)
		}
		if p.Earlier != "" {
			p.Empty.Text = "None of the slots down to " + told.Earlier.In(h.Zone).Format("Mon 2 Jan 15:04 MST") + " match."
		}
	}
	return p, nil
}
