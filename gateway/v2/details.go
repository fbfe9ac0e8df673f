package v2

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
)

// Details is an execution with all that a page shows of it. The log and what it wrote are
// at its runner: when that is away, the faults say so and the rest stands.
type Details struct {
	Execution
	Owner      string
	Zone       *time.Location // of the job
	Sentence   string         // how it stands
	Course     []why.CourseStep
	Usual      time.Duration   // how long runs of the job take that come out ok; 0 = not known
	Over       bool            // it goes no further
	Reached    bool            // by the caller's token, which may act on it
	Rerunnable bool            // it has a result, and can be run again
	Cancelling time.Time       // when somebody asked for its end
	Parameters json.RawMessage // of the job as it is now, as the caller may see them

	Log         LogLines
	LogFault    error
	Output      OutputPage
	OutputFault error
}

// DetailsQuery says which parts of an execution are asked for.
type DetailsQuery struct {
	NoLog  bool
	Before int64  // the lines of the log before this place; 0 = the last
	After  string // the files after that one; empty = the first
	Files  int    // how many; 0 = none
}

// GetDetails gives an execution with the end of its log and what it has written.
func (a *API) GetDetails(ctx context.Context, who change.Caller, triggerID string, q DetailsQuery) (Details, error) {
	s, err := a.story(ctx, who, triggerID)
	if err != nil {
		return Details{}, err
	}
	d := Details{Execution: s.show(), Owner: s.job.Username, Zone: s.zone, Usual: a.usual(s), Parameters: a.Changes.Shown(who, s.job)}
	c := s.course(&d)
	at := why.At{Now: s.now, Zone: s.zone}
	d.Sentence, d.Course = d.Why, at.Course(c)
	if d.Sentence == "" || s.result != nil {
		f := c.Facts
		f.Slot, f.Path = time.Time{}, "" // the head names them
		d.Sentence = at.Execution(f).Sentence
	}
	d.Over, d.Reached, d.Cancelling = !s.ended().IsZero(), who.Reaches(s.job) == nil, c.Asked
	d.Rerunnable = d.Reached && s.result != nil
	var parts sync.WaitGroup
	if !q.NoLog {
		parts.Go(func() { d.Log, d.LogFault = a.logOf(ctx, who, s, q.Before) })
	}
	if q.Files > 0 {
		parts.Go(func() { d.Output, d.OutputFault = a.filesOf(ctx, who, s, q) })
	}
	parts.Wait()
	return d, nil
}

func (a *API) filesOf(ctx context.Context, who change.Caller, s *story, q DetailsQuery) (OutputPage, error) {
	asked, err := readOutputQuery(map[string][]string{"page_token": {q.After}})
	if err != nil {
		return OutputPage{}, err
	}
	o, err := a.outputOf(who, s)
	if err != nil {
		return OutputPage{}, err
	}
	defer o.close()
	return o.page(ctx, asked.after, q.Files)
}

// usual is the median of what the last runs of a job took that came out ok, without this one.
func (a *API) usual(s *story) time.Duration {
	row, _ := a.Index.Row(s.job.ID, s.now)
	var took []time.Duration
	for _, e := range row.Recent {
		if e.Outcome == events.OutcomeOK && e.Took != nil && e.Trigger != s.id {
			took = append(took, *e.Took)
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// stopWithin is how long a runner gives a flow to stop before it kills it.
const stopWithin = 3 * time.Second

// course gathers what is known of the way of an execution.
func (s *story) course(d *Details) why.Course {
	c := why.Course{Usual: d.Usual, Notified: s.notified(), Waits: d.Why}
	run := d.Run
	if r := s.result; r != nil {
		ranAs(&c.Facts, showResult(*r, map[string]*Run{r.FlowJobID: run}), *r)
		if c.Answer = calledSays(r); r.Outcome == events.OutcomeCancelled {
			c.Called = time.Time{}
		}
		c.CameBy = cameBy(r.Kind, s.id, r.By, r.File)
	} else {
		c.Kind, c.TriggerID, c.Triggered, c.By = d.Kind, s.id, d.Triggered, d.By
		c.CameBy = cameBy(d.Kind, s.id, d.By, s.queued.File)
		if run != nil {
			c.Started = run.Started
		}
	}
	c.Outcome, c.Slot, c.How = d.Outcome, d.Slot, inShort(c.How)
	if run != nil {
		c.Attempt = run.Attempt
		if s.result != nil {
			c.Waits = cmp.Or(run.Waits, "its run waits for its turn")
		}
	}
	if d.Runner != nil {
		c.Host = d.Runner.Host
	}
	if ev, ok := s.phases[events.Cancelling]; ok {
		c.Asked, c.AskedBy = ev.At.UTC(), strings.TrimPrefix(ev.Message, events.CancelledBy)
		end, ended := s.phases[events.Ended]
		c.Killed = ended && end.ExitStatus == nil && end.At.Sub(ev.At) >= stopWithin
	}
	for _, n := range d.Notices {
		text := map[string]string{noticeTold: "told", noticeAgain: "sent again", noticeLost: "gave up"}[n.State]
		if n.Message != "" {
			text += ": " + firstLine(n.Message)
		}
		c.Told = append(c.Told, why.Notice{Channel: n.Channel, At: n.At, Text: text})
	}
	return c
}

// longest is how long a message is in a sentence, in characters.
const longest = 240

// inShort has a message of several lines be one.
func inShort(message string) string {
	message = strings.TrimSpace(message)
	if who, ok := strings.CutPrefix(message, events.CancelledBy); ok { // what it printed last is no reason then
		who, _, _ = strings.Cut(who, ": ")
		return "by " + who
	}
	message = events.Briefly(message)
	if runes := []rune(message); len(runes) > longest {
		message = string(runes[:longest]) + "…"
	}
	return message
}

// notified reports that the job names somebody to tell of the ends of its runs.
func (s *story) notified() bool {
	p, err := s.job.Plan(s.zone)
	return s.job.Webhook != nil || err == nil && (len(p.Emails) > 0 || p.Options.Heartbeat != "")
}
