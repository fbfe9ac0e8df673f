package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// asking makes a job whose flow fails unless there is a file "well" beside it.
func (p *harness) asking(spool map[string]any) string {
	p.Helper()
	p.flow("maybe.ibflowbin", "#!/bin/sh\necho no luck\n[ -e \"$1/well\" ]\n")
	return p.job("moody", "@yearly", "maybe.ibflowbin", "tick/in", spool)
}

// state reads a notification about a state.
func (p *harness) state(c received) (state, message string) {
	p.Helper()
	var v struct{ State, Message string }
	if err := json.Unmarshal([]byte(c.body), &v); err != nil {
		p.Errorf("%s: %v", c.body, err)
	}
	return v.State, v.Message
}

// Killed while it fails and when it has told, it tells of a state once; the notice that
// was under way is the same one.
func TestLongStateAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: what a killed process held comes again after 10 s")
	}
	t.Parallel()
	p := newHarness(t)
	url, calls := receiver(t, 1)
	pr := p.serve()
	job := p.asking(map[string]any{"notify": map[string]any{"to": map[string]any{"webhook": url + "/x"}}})
	p.outcome(job, 0)
	first := p.received(calls) // is answered with 500
	if state, message := p.state(first); state != "failed" || !strings.Contains(message, "no luck") {
		t.Errorf("received %s", first.body)
	}
	pr.kill()
	pr.start()
	again := p.received(calls)
	if again.Get("webhook-id") != first.Get("webhook-id") || again.body != first.body {
		t.Errorf("received %s, then %s", first.body, again.body)
	}
	for n := range 2 {
		p.outcome(job, n+1)
		pr.kill() // at whatever step
		pr.start()
	}
	p.outcome(job, 3)
	bus := p.bus()
	p.eventually("all four runs have been looked at", func() bool {
		return len(timesOf(read(p, bus.Runs(events.Ended, job)), func(ev events.RunEvent) string { return ev.FlowJobID })) == 4
	})
	time.Sleep(200 * time.Millisecond) // for what should not come
	for len(calls) > 0 {
		if c := <-calls; c.Get("webhook-id") != first.Get("webhook-id") {
			t.Errorf("received more: %v %s", c.Header, c.body)
		}
	}
	var shown struct {
		Conditions []struct{ About, State string }
	}
	p.get("/api/v2/jobs/"+job, &shown)
	if len(shown.Conditions) != 1 || shown.Conditions[0].About != "run" || shown.Conditions[0].State != "failed" {
		t.Errorf("shown %+v", shown)
	}
}

// With another endpoint the calls are all that is known, and a heartbeat comes of each that is OK.
func TestForeignStates(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	url, calls := receiver(t, 0)
	codes := make(chan int, 3)
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(<-codes)
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	}))
	defer foreign.Close()
	p.serve("--run-binary-url", foreign.URL+events.RunBinaryPath)
	job := p.asking(map[string]any{"notify": map[string]any{"to": map[string]any{"webhook": url + "/x"}}, "heartbeat": url + "/beat"})
	codes <- http.StatusTeapot
	p.outcome(job, 0)
	if state, message := p.state(p.received(calls)); state != "failed" || !strings.Contains(message, "HTTP status 418") {
		t.Errorf("received %s %s", state, message)
	}
	codes <- http.StatusOK
	p.outcome(job, 1)
	var heard strings.Builder
	for range 2 {
		if c := p.received(calls); c.body == "" {
			heard.WriteString(" heartbeat")
		} else if state, _ := p.state(c); state == "recovered" {
			heard.WriteString(" recovered")
		}
	}
	if !strings.Contains(heard.String(), "heartbeat") || !strings.Contains(heard.String(), "recovered") {
		t.Errorf("heard%s", heard.String())
	}
}

// The balance of the day has each file that lies in the folder, and no other.
func TestBalanceIsTheFolder(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.flow("picky.ibflowbin", "#!/bin/sh\n! ls \"$1\" | grep -q bad\n")
	p.serve()
	job := p.job("scans", "", "picky.ibflowbin", "in", nil)
	for _, name := range []string{"a.pdf", "b.pdf", "bad.pdf", "c.pdf"} {
		if err := os.WriteFile(filepath.Join(p.dir, "in", name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	count := func() map[string]int {
		got := map[string]int{}
		for _, day := range []time.Time{time.Now().UTC().AddDate(0, 0, -1), time.Now().UTC()} { // it may be midnight
			var page struct {
				Totals map[string]struct {
					Total  int
					Counts []struct {
						Is    string
						Count int
					}
				}
			}
			p.get("/api/v2/balance?day="+day.Format(time.DateOnly)+"&job_id="+job, &page)
			got["total"] += page.Totals["files"].Total
			for _, c := range page.Totals["files"].Counts {
				got[c.Is] += c.Count
			}
		}
		return got
	}
	p.eventually("every run has ended", func() bool { got := count(); return got["ok"]+got["failed"] == 4 })
	lying, err := os.ReadDir(filepath.Join(p.dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	if got := count(); got["total"] != len(lying) || got["ok"] != 3 || got["failed"] != 1 {
		t.Errorf("%d files lie there; the balance is %v", len(lying), got)
	}
}
