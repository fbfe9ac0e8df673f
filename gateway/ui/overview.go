package ui

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/system"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

func (u *UI) overviewPages() []page {
	return []page{{path: "/", template: "overview", nav: "Overview", view: u.viewOverview}}
}

// overview is the first page: what is wrong, why, and what comes next.
type overview struct {
	v2.Overview
	Head     string
	Tiles    []tile // what somebody may have to do something about
	Rest     []tile // the other states, in a line
	Chart    hour
	Soon     []v2.UpcomingSlot
	More     int // starts within the hour that Soon leaves out
	Folders  []tile
	Away     []awayFolder
	System   []system.Line // the parts that are not well
	Parts    int           // that there are
	MayWrite bool
	Empty    *emptyList // instead of all that: there are no jobs
	SoonAway *emptyList
	PartAway *emptyList // what of the rest cannot be read
	Everyone string     // for administrators: everybody's jobs, or their own again
	Ours     bool
}

// tile is a number that leads to what it counts.
type tile struct {
	Mark, Text, Href string
	Count            int
	Bad              bool
}

type awayFolder struct {
	ID, Name, Text string
	State          events.FolderState
}

// someSoon is how many of the next starts are named.
const someSoon = 5

func (u *UI) viewOverview(c *call) (any, error) {
	q := c.pass()
	answer, err := u.api.Overview(c.Context(), c.who, q)
	if err != nil && (events.CodeOf(err) != events.Unavailable || answer.Now.IsZero()) {
		return nil, err
	}
	o := overview{Overview: answer, MayWrite: c.mayWrite(), Ours: q.Get("username") == "*"}
	if err != nil {
		o.PartAway = partAway("Why jobs fail, and dead letters,", err, "How many jobs are in which state, and what comes next, is shown.")
	}
	o.Head = headOf(answer)
	o.Tiles, o.Rest = tilesOf(answer)
	o.Chart = hourOf(answer)
	o.Folders, o.Away = foldersOf(answer, c.now)
	if c.mayAdminister() {
		if o.Everyone = "/?username=*"; o.Ours {
			o.Everyone = "/"
		}
	}
	if answer.Jobs == 0 {
		o.Empty = noJobs(c)
		return o, nil
	}
	u.soon(c, &o, q)
	o.System, o.Parts = u.unwell(c.Context(), c)
	return o, nil
}

// headOf says in a line how things stand.
func headOf(o v2.Overview) string {
	failing := 0
	for _, s := range o.States {
		if s.State == "failing" {
			failing = s.Count
		}
	}
	switch {
	case o.Jobs == 0:
		return "No jobs yet"
	case failing == 1:
		return "1 job is failing"
	case failing > 1:
		return why.Number(failing) + " jobs are failing"
	case o.Dead.Count > 0:
		return "No job is failing, and " + why.Count(o.Dead.Count, "dead letter") + " wait for you"
	case o.Retrying.Calls > 0:
		return "No job is failing, and " + why.Count(o.Retrying.Calls, "call") + " wait to be repeated"
	default:
		return "No job is failing"
	}
}

// noJobs is what a new installation shows.
func noJobs(c *call) *emptyList {
	if !c.mayWrite() {
		return noneYet("No jobs yet. Whoever may write makes them; this session may look.")
	}
	return noneYet("No jobs yet. Make one, import a crontab with spool import, or start spool demo, which brings some.", link{"/jobs/new", "New job"})
}

// soon reads the next starts by name. Without them the rest of the page stands.
func (u *UI) soon(c *call, o *overview, q url.Values) {
	next := url.Values{"limit": {strconv.Itoa(someSoon)}, "to": {c.now.Add(time.Hour).UTC().Format(time.RFC3339)}}
	if q.Has("username") {
		next["username"] = q["username"]
	}
	page, err := u.api.ListUpcoming(c.Context(), c.who, next)
	if err != nil {
		o.SoonAway = partAway("The next starts", err, "What is due starts all the same.")
		return
	}
	o.Soon = page.Upcoming
	o.More = max(o.Chart.Starts-len(o.Soon), 0)
}

// unwell gives the parts of Spool that are not well.
func (u *UI) unwell(ctx context.Context, c *call) (bad []system.Line, parts int) {
	s, err := u.api.GetSystem(ctx, c.who, nil)
	if err != nil {
		return nil, 0
	}
	for _, l := range s.Parts {
		if l.State != system.OK {
			bad = append(bad, l)
		}
	}
	return bad, len(s.Parts)
}

// shownAt is the page that shows what a filter of the API lists.
func shownAt(filter string) string {
	path := "/" + strings.TrimPrefix(filter, v2.Prefix)
	if rest, ok := strings.CutPrefix(path, "/dead-letters"); ok {
		return "/dead" + rest
	}
	return path
}
