package ui

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/wire"
)

// Bounds of the page of what is to come.
const (
	upcomingSlots = 1000 // that are drawn
	upcomingRows  = 50   // of the table of starts
	upcomingJobs  = 40   // that are drawn, each in a row of its own
	upcomingFor   = 24 * time.Hour
)

// upcomingView is what starts in a window of time.
type upcomingView struct {
	From, To time.Time
	Zone     *time.Location
	Text     string
	Kept     []hidden
	Windows  []chip
	Earlier  string
	Later    string
	Chart    chart
	Starts   []start
	Cut      time.Time // up to which starts are drawn; zero: all are
	Empty    *emptyList
	Pager    pager
}

// start is one slot to come.
type start struct {
	v2.UpcomingSlot
	Others []string // jobs whose runs overlap it, if each takes as long as usual
}

// More is how many of them are not named.
func (s start) More() int { return len(s.Others) - len(s.Named()) }

// Named are the first of them.
func (s start) Named() []string { return s.Others[:min(len(s.Others), 2)] }

// When is the schedule in words.
func (s start) When() string {
	return strings.TrimSuffix(strings.TrimSuffix(s.Description, "."), " ("+s.Timezone+")")
}

func (u *UI) viewUpcoming(c *call) (any, error) {
	q := c.pass()
	q.Set("limit", strconv.Itoa(upcomingSlots))
	list, err := u.api.ListUpcoming(c.Context(), c.who, q)
	if err != nil {
		return nil, err
	}
	v := &upcomingView{Zone: u.api.Zone, Text: c.query.Get("q")}
	v.window(c)
	overlaps := overlapsOf(list.Upcoming)
	for i, s := range list.Upcoming[:min(len(list.Upcoming), upcomingRows)] {
		v.Starts = append(v.Starts, start{s, overlaps.with[i]})
	}
	v.Chart = chartOf(list.Upcoming, overlaps, v.From, v.To, v.Zone)
	if n := len(list.Upcoming); list.Next != "" {
		v.Cut = list.Upcoming[n-1].Slot
	}
	next := list.Next
	if len(list.Upcoming) > upcomingRows {
		last := list.Upcoming[upcomingRows-1]
		next = wire.PageToken(int64(events.MinuteOf(last.Slot)), last.ID)
	}
	v.Pager = c.pager(next, "")
	if len(list.Upcoming) == 0 {
		v.Empty = noneYet("Nothing starts by the clock in this time.", link{"/jobs?sort=next", "Jobs by their next run"})
		if v.Text != "" || c.query.Get("job_id") != "" {
			v.Empty = &emptyList{Kind: "match", Text: "Nothing that matches starts by the clock in this time.", Links: []link{{c.at("q", "", "job_id", ""), "Clear filters"}}}
		}
	}
	return v, nil
}

// window says which time the page is about, and where others are. What the query says was read
// and checked by the list.
func (v *upcomingView) window(c *call) {
	v.From = c.now
	if t, err := wire.ParseTime(c.query.Get("from")); err == nil && t.After(c.now) {
		v.From = t
	}
	v.To = v.From.Add(upcomingFor)
	if t, err := wire.ParseTime(c.query.Get("to")); err == nil {
		v.To = t
	}
	length := v.To.Sub(v.From).Round(time.Minute)
	for _, w := range []struct {
		text   string
		length time.Duration
	}{{"1 hour", time.Hour}, {"6 hours", 6 * time.Hour}, {"24 hours", upcomingFor}, {"7 days", 7 * upcomingFor}} {
		v.Windows = append(v.Windows, chip{Href: c.at("from", rfc(v.From, c.now), "to", rfc(v.From.Add(w.length), time.Time{})), Text: w.text, Count: -1, On: w.length == length, Stays: true})
	}
	v.Later = c.at("from", rfc(v.To, time.Time{}), "to", rfc(v.To.Add(length), time.Time{}))
	if v.From.After(c.now) {
		from := v.From.Add(-length)
		if from.Before(c.now) {
			from = c.now
		}
		v.Earlier = c.at("from", rfc(from, c.now), "to", rfc(from.Add(length), time.Time{}))
	}
	for _, key := range []string{"from", "to", "username", "job_id"} {
		if value := c.query.Get(key); value != "" {
			v.Kept = append(v.Kept, hidden{key, value})
		}
	}
}

// rfc writes a time into a query, to the minute; one that is now is left out.
func rfc(t, now time.Time) string {
	if t.Equal(now) {
		return ""
	}
	return t.UTC().Truncate(time.Minute).Format(time.RFC3339)
}

// JobHref is the list narrowed to one job.
func (s start) JobHref() string { return "/upcoming?" + url.Values{"job_id": {s.ID}}.Encode() }

// Most says how many runs there are at once at most, and when.
func (v *upcomingView) Most() string {
	if v.Chart.Most < 2 {
		return "No two of them overlap, if each takes as long as usual."
	}
	return "Up to " + why.Number(v.Chart.Most) + " run at once, on " + v.Chart.mostAt.In(v.Zone).Format("Mon 2 Jan 15:04 MST") + ", if each takes as long as usual."
}
