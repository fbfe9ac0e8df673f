package ui

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// runRow is one execution in a list.
type runRow struct {
	v2.Result
	JobName string
	Zone    *time.Location // of its job
	Began   time.Time      // the run, else the call
	Took    *time.Duration
	Times   int // how many times as long as usual it took; 0: about so
	Says    string
	Again   bool // it may be run again
	Key     string
}

// Name tells the row from others in the names of its controls.
func (r runRow) Name() string {
	at := r.Triggered
	if !r.Slot.IsZero() {
		at = r.Slot
	}
	return r.JobName + ", " + at.In(r.Zone).Format("Mon 2 Jan 15:04")
}

// Ask is what asks for the run.
func (r runRow) Ask() string {
	by := r.By
	if by == "" {
		by = "somebody"
	}
	switch {
	case r.RerunOf != "" && r.By != "":
		return "again, by " + by
	case r.Kind == events.KindCron:
		return "by the clock"
	case r.Kind == events.KindFile && r.File != nil:
		return "file " + r.File.Path
	case r.Kind == events.KindFile:
		return "by a file"
	case r.Kind == events.KindRetry:
		return "dead letter, retried by " + by
	default:
		return "by hand, " + by
	}
}

// Length is how long it took.
func (r runRow) Length() time.Duration {
	if r.Took == nil {
		return 0
	}
	return *r.Took
}

// Goes reports whether the run goes on since it began.
func (r runRow) Goes() bool { return r.Outcome == events.OutcomeRunning && !r.Began.IsZero() }

// Since is when it began, for programs.
func (r runRow) Since() string { return r.Began.UTC().Format(time.RFC3339) }

// HasLog reports whether the built-in runner has begun it.
func (r runRow) HasLog() bool { return r.Run != nil && !r.Run.Started.IsZero() }

// runTable is rows with a heading.
type runTable struct {
	Caption string
	Jobs    bool // they are of several jobs
	Rows    []runRow
}

// Slots reports whether any is of a slot.
func (t runTable) Slots() bool {
	return slices.ContainsFunc(t.Rows, func(r runRow) bool { return !r.Slot.IsZero() })
}

// RunTable is the newest runs.
func (p *jobPage) RunTable() runTable {
	return runTable{"The newest runs of " + p.Name, false, p.Runs}
}

// RunTable is the runs of the page.
func (p *runsPage) RunTable() runTable {
	return runTable{p.title() + ", newest first", p.Job == nil, p.Rows}
}

// unusual is from how many times the median on it is said.
const unusual = 3

// runRows makes rows of executions. usual is how long a run of the job takes, 0 where that is not known.
func (u *UI) runRows(c *call, results []v2.Result, usual time.Duration) []runRow {
	rows := make([]runRow, len(results))
	for i, r := range results {
		row := runRow{Result: r, JobName: "a deleted job", Zone: u.api.Zone, Took: durationOf(r), Says: r.Why, Key: uuid.NewString()}
		if job, ok := u.api.Jobs.Job(r.JobID); ok {
			row.JobName = job.Name
			if t, err := job.Timing(); err == nil && t.Timezone != "" {
				row.Zone = zoneOf(t.Timezone)
			}
		}
		if row.Began = r.Started; r.Run != nil {
			row.Began = r.Run.Started
			if r.Run.Message != "" {
				row.Says = r.Run.Message
			}
		}
		if r.Outcome == events.OutcomeOK && row.Took != nil {
			row.Says = ""
		}
		if row.Took != nil && usual >= time.Second && *row.Took >= unusual*usual {
			row.Times = int((*row.Took + usual/2) / usual)
		}
		row.Again = c.mayWrite() && !going(r.Outcome)
		rows[i] = row
	}
	return rows
}

// going reports whether an execution has not ended.
func going(o events.Outcome) bool {
	return o == events.OutcomeWaiting || o == events.OutcomeRetrying || o == events.OutcomeRunning
}

// runsPage is a list of executions: of a job, or of all.
type runsPage struct {
	Job       *jobHead // nil: of all
	Rows      []runRow
	Filters   runFilters
	Empty     *emptyList
	Pager     pager
	KnownFrom time.Time // said on the last page
	Here      string    // the list without filters
	Zone      *time.Location
}

func (p runsPage) title() string {
	if p.Job != nil {
		return "Runs of " + p.Job.Name
	}
	return "Runs"
}

// runFilters is what the list is chosen by.
type runFilters struct {
	Outcomes, Kinds []option
	From, To        string // by the clocks of the zone
	Text            string
	Any             bool
}

func (u *UI) viewJobRuns(c *call) (any, error) {
	h, err := u.findJob(c, "runs")
	if err != nil {
		return nil, err
	}
	q, err := c.span(c.pass(), h.Zone)
	if err != nil {
		return nil, err
	}
	got, err := u.api.ListResults(c.Context(), c.who, h.ID, q)
	if err != nil {
		return nil, err
	}
	return u.runsPage(c, &h, got), nil
}

func (u *UI) viewRuns(c *call) (any, error) {
	q, err := c.span(c.pass(), u.api.Zone)
	if err != nil {
		return nil, err
	}
	got, err := u.api.ListAllResults(c.Context(), c.who, q)
	if err != nil {
		return nil, err
	}
	return u.runsPage(c, nil, got), nil
}

func (u *UI) runsPage(c *call, h *jobHead, got v2.ResultPage) *runsPage {
	zone := u.api.Zone
	if h != nil {
		zone = h.Zone
	}
	p := &runsPage{Job: h, Zone: zone, Rows: u.runRows(c, got.Results, 0), Here: c.r.URL.Path, Filters: c.runFilters(zone)}
	shown := why.Count(len(p.Rows), "run")
	if got.Next != "" || c.query.Get("after") != "" {
		shown += " on this page"
	}
	p.Pager = c.pager(got.Next, shown)
	if len(p.Rows) == 0 {
		p.Empty = noneYet("No runs yet: jobs run by their schedules, by files, and when somebody asks.", link{"/jobs", "Jobs"})
		if h != nil {
			p.Empty = noneYet("It never ran.", link{"/jobs/" + h.ID, "The job"})
		}
		if p.Filters.Any || c.query.Get("after") != "" {
			p.Empty = noMatch(0, "runs", p.Here)
		}
	}
	if got.Next == "" {
		p.KnownFrom = got.KnownFrom
	}
	return p
}

func (c *call) runFilters(zone *time.Location) runFilters {
	f := runFilters{From: localText(c.query.Get("from"), zone), To: localText(c.query.Get("to"), zone), Text: c.query.Get("q")}
	f.Outcomes = append(f.Outcomes, option{"", "any outcome", false})
	known := false
	asked := c.query.Get("outcome")
	for _, o := range append(outcomesShown(), asked) {
		if o == "" || o == asked && known {
			continue
		}
		known = known || o == asked
		var words []string
		for one := range strings.SplitSeq(o, ",") {
			words = append(words, word(one))
		}
		f.Outcomes = append(f.Outcomes, option{o, strings.Join(words, " or "), o == asked})
	}
	for _, k := range []option{
		{"", "started by anything", false},
		{string(events.KindCron), "by the clock", false},
		{string(events.KindManual), "by hand", false},
		{string(events.KindFile), "by a file", false},
		{string(events.KindRetry), "retried dead letters", false},
	} {
		k.Chosen = k.Value == c.query.Get("kind")
		f.Kinds = append(f.Kinds, k)
	}
	for _, key := range []string{"outcome", "kind", "from", "to", "q", "job_id", "username", "status"} {
		f.Any = f.Any || c.query.Get(key) != ""
	}
	return f
}

// outcomesShown are the choices of the filter, those that people ask for first.
func outcomesShown() (list []string) {
	list = []string{string(events.OutcomeFailed) + "," + string(events.OutcomeGaveUp)}
	for _, o := range events.Outcomes {
		list = append(list, string(o))
	}
	return list
}

// span reads the times of a query as browsers send them: 2026-11-24T02:30 is of the clocks
// of a zone. Those with a zone of their own stay.
func (c *call) span(q url.Values, zone *time.Location) (url.Values, error) {
	for _, key := range []string{"from", "to"} {
		text := q.Get(key)
		if text == "" {
			continue
		}
		if t, err := readLocal(text, zone); err == nil {
			q.Set(key, t.Format(time.RFC3339))
		} else if _, err := time.Parse(time.RFC3339, text); err != nil {
			return nil, events.Faultf(events.Invalid, key, "%q is not a time like 2026-11-24T02:30", text)
		}
	}
	return q, nil
}

// readLocal reads what controls of type datetime-local and date send.
func readLocal(text string, zone *time.Location) (t time.Time, err error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err = time.ParseInLocation(layout, text, zone); err == nil {
			break
		}
	}
	return t, err
}

// localText gives a time of a query as such a control shows it.
func localText(text string, zone *time.Location) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.In(zone).Format("2006-01-02T15:04")
}
