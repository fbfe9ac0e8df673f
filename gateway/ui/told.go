package ui

import (
	"net/url"
	"strings"

	"spool.internal/events"
)

// told says what the action did that led to a page: ?did= names what it made or started,
// and the words are made of what is stored of that, so that no link can put words here.
// What cannot be read, or is not there for the caller, is not told.
func (u *UI) told(c *call) *Note {
	id := c.query.Get("did")
	if strings.Contains(id, ":") {
		return u.toldRun(c, id)
	}
	return u.toldJob(c, strings.ToLower(id))
}

func (u *UI) toldRun(c *call, id string) *Note {
	x, err := u.api.GetExecution(c.Context(), c.who, id, nil)
	if err != nil {
		return nil
	}
	n := Note{Text: "Started" + by(c, x.By), At: x.Triggered, Href: "/runs/" + url.PathEscape(id), Link: "the run"}
	if x.JobName != "" {
		n.Text = x.JobName + ": started" + by(c, x.By)
	}
	return &n
}

var didTo = map[events.Change]string{
	events.JobCreated: "made", events.JobUpdated: "changed", events.JobEnabled: "enabled", events.JobDisabled: "disabled",
}

func (u *UI) toldJob(c *call, id string) *Note {
	j, err := u.api.GetJob(c.Context(), c.who, id, nil)
	if err != nil {
		return u.toldDeleted(c, id)
	}
	last, err := u.api.ListHistory(c.Context(), c.who, id, url.Values{"limit": {"1"}})
	if err != nil || len(last.History) == 0 {
		return nil
	}
	h := last.History[0]
	return &Note{Text: j.Name + ": " + didTo[h.Event] + by(c, h.By), At: h.At, Href: "/jobs/" + id, Link: "the job"}
}

func (u *UI) toldDeleted(c *call, id string) *Note {
	ev, found, err := u.api.Deleted(c.Context(), c.who, id)
	if err != nil || !found {
		return nil
	}
	return &Note{Text: ev.Job.Name + ": deleted" + by(c, ev.By), At: ev.At}
}

// by says who did something.
func by(c *call, who string) string {
	switch who {
	case "":
		return ""
	case c.who.Owner:
		return " by you"
	}
	return " by " + who
}
