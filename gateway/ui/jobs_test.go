package ui

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/index"
	"spool.internal/gateway/v2"
)

// evil would do harm where it is not escaped.
const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>'`

// someJob is a job with all that a row shows.
func someJob(n int, name string) v2.Job {
	now := time.Now()
	id := uuid.NewString()
	j := v2.Job{
		ID: id, Username: "ann", Name: fmt.Sprintf("%s %d", name, n), Status: events.Enabled, Mode: index.ModeCron, Schedule: "30 2 * * *",
		Timezone: "Europe/Paris", Description: "At 02:30 every day (Europe/Paris).", Tags: []string{name, "nightly"}, Outcome: string(events.OutcomeFailed),
		NextRun: now.Add(time.Duration(n) * time.Hour),
	}
	for k := range 12 {
		j.Recent = append(j.Recent, v2.Recent{Outcome: []events.Outcome{events.OutcomeOK, events.OutcomeFailed}[(n+k)%2], DurationMS: new(int64(n * k * 977)), TriggerID: "manual:" + id + ":" + uuid.NewString()})
	}
	j.LastResult = &v2.LastResult{TriggerID: j.Recent[0].TriggerID, Outcome: j.Recent[0].Outcome, Ended: now.Add(-time.Duration(n) * time.Minute)}
	switch n % 5 {
	case 1:
		j.Status, j.Disabled = events.Disabled, &v2.Disabling{By: name, At: now, Reason: name, Until: now.AddDate(0, 0, 9)}
	case 2:
		j.Mode, j.Schedule, j.Timezone, j.Description = index.ModeAutomatic, "", "", ""
		j.Parameters = events.Encode(map[string]any{"input": "/srv/" + name + "/in"})
		j.Watch = &events.WatchState{State: events.FolderBlocked, HostPath: "/mnt/" + name, Reason: name, Pending: 3, OldestPending: now.Add(-time.Minute)}
	case 3:
		j.Now, j.RunningSince = events.OutcomeRunning, now.Add(-time.Minute)
	case 4:
		j.Now, j.Retrying = events.OutcomeRetrying, &events.RetryState{Next: now.Add(time.Minute), LastError: name}
	}
	return j
}

// jobsPage renders a list.
func jobsPage(t *testing.T, c *call, v *jobsView, jobs []v2.Job, layout string) []byte {
	t.Helper()
	for _, j := range jobs {
		v.Rows = append(v.Rows, v.row(c, j))
	}
	f := bare(c.r, v)
	f.Who, f.Nav = &who{Owner: "ann", Role: events.Operator}, nav
	body, err := shownAs{"jobs", layout}.render(f)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func testCall(target string) *call {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	return &call{r: r, w: httptest.NewRecorder(), query: r.URL.Query(), now: time.Now(), path: r.URL.Path}
}

// A page of 50 jobs, each with 12 runs behind it, is at most 40 kB on its way.
func TestJobsPageIsSmall(t *testing.T) {
	c := testCall("/jobs?sort=name")
	v := &jobsView{Since: c.now, Write: true, Counted: true, Here: c.here(), jobsFilter: jobsFilter{Jobs: 100_000, Total: 100_000, Sort: "name"}}
	v.sorting(c)
	v.More = c.moreChips()
	for _, s := range chipStates {
		v.Chips = append(v.Chips, c.chip("state", s, word(s), 1234))
	}
	var jobs []v2.Job
	for n := range 50 {
		jobs = append(jobs, someJob(n, "invoices of branch"))
	}
	v.Pager = c.pager("bmV4dA", "50 of 100,000 jobs")
	body := jobsPage(t, c, v, jobs, "layout")
	if n := strings.Count(string(body), "<tr data-row"); n != 50 {
		t.Fatalf("%d rows", n)
	}
	zipped := len(compress(body))
	t.Logf("50 jobs: %d bytes of HTML, %d gzipped", len(body), zipped)
	if zipped > 40_000 {
		t.Errorf("%d bytes gzipped", zipped)
	}
}

// Whatever somebody wrote shows as text.
func TestJobsPageEscapes(t *testing.T) {
	c := testCall("/jobs?q=" + url.QueryEscape(evil) + "&tag=" + url.QueryEscape(evil))
	v := &jobsView{Since: c.now, Write: true, Counted: true, Here: c.here(), jobsFilter: jobsFilter{Text: evil, Jobs: 5, Total: 5, Filtered: true, Sort: evil}}
	v.sorting(c)
	v.More = c.moreChips()
	v.Empty = nil
	var jobs []v2.Job
	for n := range 5 {
		jobs = append(jobs, someJob(n, evil))
	}
	gone := jobRow{Job: jobs[0], Gone: &events.JobEvent{By: evil, At: c.now}, now: c.now}
	v.Rows = append(v.Rows, gone)
	for _, layout := range []string{"layout", "cells"} {
		refuseMarkup(t, jobsPage(t, c, v, jobs, layout))
	}
	for name, data := range map[string]any{
		"jobsbulk": &jobsBulkView{
			Action: events.BulkDisable, Verb: "Disable", Count: 9, First: []v2.Named{{ID: uuid.NewString(), Name: evil}}, Due: 1, DueOf: []v2.Named{{Name: evil}},
			Fields: []hidden{{evil, evil}}, Back: "/jobs?" + evil, Reason: field{Name: "reason", Value: evil, Fault: evil}, Faults: faults{{"reason", evil}},
		},
		"bulk":  bulkView{Bulk: v2.Bulk{By: evil, Reason: evil, Message: evil, State: events.BulkStopped}, Failures: []bulkFailure{{evil, "", evil}}},
		"again": onceMore{evil, &Note{Text: evil, Ask: &ask{Action: "/jobs/x/run", Key: evil, Next: evil, Button: evil}}},
		"upcoming": &upcomingView{
			From: c.now, To: c.now.Add(time.Hour), Zone: time.UTC, Text: evil, Kept: []hidden{{evil, evil}},
			Chart:  chart{Rows: []chartRow{{Name: evil, Words: evil, Blocks: []block{{X: "1%", Width: "1%", Words: evil}}}}},
			Starts: []start{{UpcomingSlot: v2.UpcomingSlot{Schedule: evil, Description: evil}, Others: []string{evil, evil}}},
		},
	} {
		body, err := shownAs{name, "layout"}.render(bare(c.r, data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refuseMarkup(t, body)
	}
}

func refuseMarkup(t *testing.T, body []byte) {
	t.Helper()
	for _, harm := range []string{"<img", "<script>"} {
		if at := strings.Index(string(body), harm); at >= 0 {
			t.Errorf("somebody's text is markup: …%s…", body[max(0, at-200):min(len(body), at+100)])
		}
	}
}

// What is not asked for is not read, and not shown.
func TestRowsSayWhatIs(t *testing.T) {
	c := testCall("/jobs")
	v := &jobsView{}
	for _, is := range []struct {
		job  v2.Job
		want []string
		not  []string
	}{
		{someJob(0, "letters"), []string{"At 02:30 every day", "Europe/Paris", ">on<"}, []string{"Run now", "Disable"}}, // a viewer
		{someJob(1, "move"), []string{"disabled by move", "“move”", ">off<"}, []string{"in 1 h"}},
		{someJob(2, "in"), []string{"For each file in …/in/in", "cannot be read"}, []string{"no file waits"}},
		{someJob(3, "a"), []string{"running", "1 min ago"}, nil},
		{someJob(4, "a"), []string{"retrying", "next call"}, nil},
		{v2.Job{ID: "x", Name: "new", Mode: index.ModeCron, Outcome: index.StateNeverRan}, []string{"never ran", "no run to come"}, []string{"p50"}},
	} {
		body := string(jobsPage(t, c, v, []v2.Job{is.job}, "cells"))
		for _, want := range is.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is not said in %s", is.job.Name, want, body)
			}
		}
		for _, not := range is.not {
			if strings.Contains(body, not) {
				t.Errorf("%s: %q is said in %s", is.job.Name, not, body)
			}
		}
		v.Rows = nil
	}
}

// A link keeps what narrows the list, begins it anew, and one that is on takes itself back.
func TestChips(t *testing.T) {
	c := testCall("/jobs?q=a+b&state=failing&after=xyz&did=1&mode=")
	for _, is := range []struct{ got, want string }{
		{c.chip("state", "failing", "", 0).Href, "/jobs?q=a+b"},
		{c.chip("state", "disabled", "", 0).Href, "/jobs?q=a+b&state=disabled"},
		{c.here(), "/jobs?after=xyz&q=a+b&state=failing"},
		{c.at("sort", "-created"), "/jobs?q=a+b&sort=-created&state=failing"},
		{testCall("/jobs?q=&state=").here(), "/jobs"},
	} {
		if is.got != is.want {
			t.Errorf("%s, want %s", is.got, is.want)
		}
	}
}

// A key tells when it was made, and another one does not.
func TestTimedKey(t *testing.T) {
	at, ok := keyedAt(timedKey())
	if !ok || time.Since(at).Abs() > time.Minute {
		t.Errorf("%s, %v", at, ok)
	}
	for _, other := range []string{"", "x", uuid.NewString()} {
		if _, ok := keyedAt(other); ok {
			t.Errorf("%q tells a time", other)
		}
	}
}

// Runs overlap that take as long as usual; those of one job too, but that is no news.
func TestOverlaps(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 30, 2, minute, 0, 0, time.UTC) }
	slot := func(name string, minute int, took time.Duration) v2.UpcomingSlot {
		s := v2.UpcomingSlot{Slot: at(minute), UsualMS: new(took.Milliseconds())}
		s.ID, s.Name = name, name
		return s
	}
	slots := []v2.UpcomingSlot{
		slot("a", 0, 10*time.Minute), slot("b", 0, time.Minute), slot("c", 5, time.Minute), slot("a", 8, time.Minute), slot("d", 30, 0), slot("e", 30, 0), slot("f", 31, 0),
	}
	o := overlapsOf(slots)
	want := [][]string{{"b", "c"}, {"a"}, {"a"}, nil, {"e"}, {"d"}, nil}
	for i := range want {
		if fmt.Sprint(o.with[i]) != fmt.Sprint(want[i]) {
			t.Errorf("%s at %s overlaps %v, want %v", slots[i].Name, slots[i].Slot, o.with[i], want[i])
		}
	}
	if o.most != 2 || !o.mostAt.Equal(at(0)) {
		t.Errorf("%d at most, at %s", o.most, o.mostAt)
	}
	c := chartOf(slots, o, at(0), at(60), time.UTC)
	if len(c.Rows) != 6 || len(c.Busy) != 3 || c.Busy[0].X != "0.00%" || c.Busy[0].Width != "1.67%" {
		t.Errorf("%d rows, busy %+v", len(c.Rows), c.Busy)
	}
	if c.Rows[0].Words != "starts Mon 02:00, Mon 02:08" {
		t.Error(c.Rows[0].Words)
	}
}
