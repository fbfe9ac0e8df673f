package ui

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
	"spool.internal/gateway/v2"
)

// hostile is what somebody may write who wants a page to do something.
const hostile = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'`{{.}}\x1b[2J\u202e\xff"

// hostileRun is an execution in which everything is hostile that somebody writes.
func hostileRun() v2.Details {
	at := time.Date(2026, 11, 24, 1, 30, 0, 0, time.UTC)
	return v2.Details{
		Execution: v2.Execution{
			TriggerID: "manual:4c14095e-6207-4a99-afbe-f13ca3476627:x", JobID: "4c14095e-6207-4a99-afbe-f13ca3476627", JobName: hostile,
			Kind: events.KindManual, Triggered: at, Outcome: events.OutcomeFailed, Why: hostile,
			File: &v2.File{Path: hostile, Fingerprint: "aa", Modified: at, InputDir: hostile},
			HTTP: &events.HTTPResult{Status: "200", Headers: []events.Header{{Key: hostile, Value: hostile}}, Response: hostile},
			Run:  &v2.Run{State: "ended", Message: hostile, Result: []byte(`{"a":"<script>alert(1)</script>"}`)}, FlowJobID: hostile,
			Timeline: []v2.Step{{At: at, Step: "triggered", Says: hostile}, {At: at, Step: "ended", Says: hostile}},
			Notices:  []v2.Notice{{Channel: events.ChannelEmail, State: "undelivered", At: at, Message: hostile}},
			Ack:      &v2.Acked{By: hostile, At: at, Note: hostile}, RerunOf: hostile, Runner: &v2.RunnerHost{Host: hostile},
		},
		Zone: time.UTC, Sentence: hostile, Over: true, Reached: true, Rerunnable: true, Parameters: []byte(`{"name":"</pre><script>alert(1)</script>"}`),
		Course: []why.CourseStep{{Step: why.StepEnded, State: why.StepDone, At: at, Text: hostile}},
		Log:    v2.LogLines{Text: []byte(hostile + "\n\x1b[31mred " + hostile + "\n" + strings.Repeat("y", 1<<20) + "\n"), Line: 1, Size: 9},
		Output: v2.OutputPage{Folder: hostile, Files: []v2.OutputFile{{Path: "a/" + hostile + "?#%2e/x.html", Size: 4}, {Path: "javascript:alert(1)", Size: 1}}},
	}
}

// pageOf renders a run as a page shows it to who may write.
func pageOf(t *testing.T, d v2.Details, target string) string {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	c := &call{r: r, who: change.Caller{Token: events.Token{ID: "1", Owner: "ann", Role: events.Admin}}, query: r.URL.Query(), now: time.Now(), path: r.URL.Path}
	v := runViewOf(c, d, 0)
	text, err := shownAs{"run", "layout"}.render(frame{Data: v})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNothingOnARunIsMarkup(t *testing.T) {
	page := pageOf(t, hostileRun(), "/runs/x")
	for _, bad := range []string{"<script>alert", "<img src=x", "</pre><script", "\x1b", "\u202e", "\xff", `href="javascript:`, "onerror=alert(2)>"} {
		if at := strings.Index(page, bad); at >= 0 {
			t.Errorf("the page has %q: …%s…", bad, page[max(0, at-80):min(len(page), at+80)])
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") || !strings.Contains(page, "␛[2J") {
		t.Error("what was printed does not show as text")
	}
	if !strings.Contains(page, `<span class="ansi-red">red `) {
		t.Error("red is not red")
	}
	if len(page) > 200<<10 {
		t.Errorf("a line of 1 MB makes a page of %d bytes", len(page))
	}
	for _, part := range strings.Split(page, `/output/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if u, err := url.Parse("/" + name); err != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("the link to a file is cut off: %s (%v)", name, err)
		}
	}
}

// What its runner has is away with it; the rest of the page stands.
func TestRunWhoseRunnerIsAway(t *testing.T) {
	d := hostileRun()
	away := events.Faultf(events.Unavailable, "", "the runner on box does not answer")
	d.LogFault, d.OutputFault, d.Log, d.Output = away, away, v2.LogLines{}, v2.OutputPage{}
	page := pageOf(t, d, "/runs/x")
	for _, want := range []string{"The log cannot be read now: the runner on box does not answer.", "What it wrote cannot be read now", "Run again", "Its way"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "data-log=") {
		t.Error("the page follows a log that is not there")
	}
	d.LogFault = errors.New("secret inner fault")
	if page := pageOf(t, d, "/runs/x"); strings.Contains(page, "secret inner") {
		t.Error("a fault inside is shown")
	}
}

func TestRunBeforeItsResult(t *testing.T) {
	at := time.Now()
	d := v2.Details{
		Execution: v2.Execution{TriggerID: "cron:j:1", JobID: "j", JobName: "nightly", Kind: events.KindCron, Slot: at, Triggered: at, Outcome: events.OutcomeWaiting},
		Zone:      time.UTC, Reached: true, Sentence: "Due, not started yet.",
		LogFault:    events.Faultf(events.NotFound, "trigger_id", "the run has not started: it has no log yet"),
		OutputFault: events.Faultf(events.NotFound, "trigger_id", "the run has not started: it has no output yet"),
	}
	page := pageOf(t, d, "/runs/cron:j:1")
	for _, want := range []string{"Due, not started yet.", "it has no log yet", "data-log-live", "Cancel", "There is no answer to its call yet."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "Run again") {
		t.Error("what has no result cannot be run again")
	}
}
