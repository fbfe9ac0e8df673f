package ui

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/v2/stream"
)

// Events tells what has happened. A [stream.Stream] does.
type Events interface {
	Read(ctx context.Context, ask stream.Ask) (stream.Reading, error)
}

func (u *UI) livePages() []page {
	return []page{{path: "/live", template: "live", nav: "Live", view: u.viewLive}}
}

// How many events are read for the page when it is opened, and behind a position.
const (
	liveOpening = 300 // which become 50 rows at most
	liveRows    = 50
	liveMost    = 5000
)

// livePage is what happens, the newest on top. A module asks for the rows behind a position:
// the words are the same either way.
type livePage struct {
	Position string
	Rows     []liveRow
	Types    []option
	Job      string // whose events alone are shown
	JobName  string
	Empty    *emptyList
}

// liveTypes are the kinds of events, and what people call them.
var liveTypes = []option{
	{Value: "", Text: "All news"},
	{Value: "run", Text: "Runs"},
	{Value: "result", Text: "Calls"},
	{Value: "job", Text: "Changes of jobs"},
	{Value: "slot", Text: "Slots that did not run"},
	{Value: "dead", Text: "Dead letters"},
	{Value: "watch", Text: "Folders"},
	{Value: "file", Text: "Files that wait"},
	{Value: "retry", Text: "Calls made again"},
	{Value: "system", Text: "Parts of Spool"},
}

func (u *UI) viewLive(c *call) (any, error) {
	kinds := slices.DeleteFunc(slices.Clone(c.query["type"]), func(s string) bool { return s == "" })
	p := livePage{}
	for _, o := range liveTypes {
		o.Chosen = slices.Contains(kinds, o.Value) || o.Value == "" && len(kinds) == 0
		p.Types = append(p.Types, o)
	}
	q := url.Values{"type": kinds}
	if job := c.query.Get("job"); job != "" {
		p.Job, p.JobName = job, u.jobName(job)
		q.Set("job_id", job)
		if _, err := uuid.Parse(job); err != nil {
			return nil, events.Faultf(events.Invalid, "job", "%q is not the id of a job: open the job, and follow its link to here", job)
		}
	}
	ask := stream.Ask{Token: c.who.Token, Query: q, After: c.query.Get("since"), Most: liveOpening}
	if ask.After != "" {
		ask.Most = liveMost
	}
	read, err := u.events.Read(c.Context(), ask)
	if err != nil {
		return nil, err
	}
	p.Position = read.Position
	saw := strings.Split(c.query.Get("saw"), ",")
	if c.query.Has("saw") && !slices.Contains(saw, "system") { // they say all the time how they are
		read.Events = slices.DeleteFunc(read.Events, func(e stream.Happened) bool { return e.Kind == "system" })
	}
	t := teller{u: u, brief: len(kinds) == 0, bursts: openBursts(c.query["burst"])}
	p.Rows = t.tell(read.Events)
	if ask.After == "" {
		p.Rows = p.Rows[:min(len(p.Rows), liveRows)]
	}
	if len(p.Rows) == 0 && ask.After == "" {
		p.Empty = u.noNews(p.Job != "" || len(kinds) > 0)
	}
	return p, nil
}

func (u *UI) noNews(filtered bool) *emptyList {
	if filtered {
		return &emptyList{Kind: "match", Text: "Nothing of this kind has happened lately.", Links: []link{{"/live", "Clear filters"}}}
	}
	return noneYet("Nothing has happened yet. What does appears here by itself.", link{"/jobs", "See the jobs"})
}

func (u *UI) jobName(id string) string {
	if job, ok := u.api.Jobs.Job(id); ok {
		return job.Name
	}
	return ""
}
