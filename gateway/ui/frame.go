package ui

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
)

// frame is what every page has around it.
type frame struct {
	Title    string
	Instance string
	Version  string
	Nav      []navEntry
	Who      *who // nil: nobody is let in
	Now      time.Time
	Here     string // path and query of the page
	Position string // of the events
	Theme    string // light, dark; empty = as the system has it
	Search   string // what is searched for
	CSS      string
	JS       string // empty: there are no modules
	Icon     string
	Failing  int
	Told     *Note
	Data     any
}

type who struct {
	Owner string
	Role  events.Role
	Admin bool
}

type navEntry struct {
	Href, Text string
	Current    bool
	Counts     bool // how many wait for somebody
	Count      int
}

// nav is the bar.
var nav = []navEntry{
	{Href: "/", Text: "Overview"},
	{Href: "/jobs", Text: "Jobs"},
	{Href: "/runs", Text: "Runs"},
	{Href: "/upcoming", Text: "Upcoming"},
	{Href: "/dead", Text: "Dead letters", Counts: true},
	{Href: "/live", Text: "Live"},
	{Href: "/system", Text: "System"},
}

// titled is data that names its page.
type titled interface{ title() string }

// frameOf makes the frame of a page.
func (u *UI) frameOf(c *call, p page, data any) frame {
	f := bare(c.r, data)
	f.Instance, f.Version, f.Position = u.api.Name, u.api.Version, c.position
	name := p.title
	if t, ok := data.(titled); ok {
		name = t.title()
	}
	if c.who.ID != "" {
		f.Who = &who{c.who.Owner, c.who.Role, c.mayAdminister()}
		if p.nav == "Jobs" {
			f.Search = c.query.Get("q")
		}
		n := u.count(c.Context(), c.who)
		f.Failing = n.failing
		for _, e := range nav {
			if e.Current = e.Text == p.nav; e.Counts {
				e.Count = n.dead
			}
			f.Nav = append(f.Nav, e)
		}
		if n.failing > 0 {
			f.Icon = assets().url("icon-failing.svg")
		}
	}
	f.Title = title(f.Failing, cmp.Or(name, p.nav), u.api.Name)
	return f
}

// bare is the frame of a page before anybody is let in.
func bare(r *http.Request, data any) frame {
	a := assets()
	return frame{
		Now: time.Now().UTC(), Here: r.URL.RequestURI(), Theme: theme(r),
		CSS: a.url("spool.css"), JS: a.url("spool.js"), Icon: a.url("icon.svg"), Data: data,
	}
}

// title is that of a tab: how many jobs fail, where one is, and on which installation.
func title(failing int, name, instance string) string {
	var parts []string
	if failing > 0 {
		parts = append(parts, "✕"+strconv.Itoa(failing))
	}
	if name != "" {
		parts = append(parts, name)
	}
	return strings.Join(append(parts, cmp.Or(instance, "Spool")), " · ")
}

// themeCookie keeps the colours that somebody chose.
const themeCookie = "spool_theme"

func theme(r *http.Request) string {
	c, err := r.Cookie(themeCookie)
	if err != nil || c.Value != "light" && c.Value != "dark" {
		return ""
	}
	return c.Value
}
