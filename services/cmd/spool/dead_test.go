package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"spool.internal/events"
)

// Dead letters by the command line: listed, queued again until they are
// delivered, dropped.
func TestDeadCommand(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	var up atomic.Bool
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			http.Error(w, "closed\nfor today", http.StatusServiceUnavailable)
		}
	}))
	defer endpoint.Close()
	p.serve("--run-binary-url", endpoint.URL+events.RunBinaryPath)
	job := p.job("dead", "@yearly", "flow.ibflowbin", "in", map[string]any{"retry_for": "1s"})
	ask := func(args ...string) (string, int) {
		return spool(t, append(append([]string{"dead"}, args...), "--url", "http://"+p.api, "--data", p.data)...)
	}
	for n := range 3 {
		if s, h, _ := p.outcome(job, n); s != "ERROR" || h != "503" {
			t.Fatalf("result %s %s", s, h)
		}
	}
	out, code := ask("list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 4 || !strings.Contains(lines[1], "manual:"+job+":") || !strings.Contains(lines[1], "503") || !strings.Contains(lines[1], "closed for today") {
		t.Fatalf("dead list: status %d\n%s", code, out)
	}
	if all, code := ask("list", "--username", "*"); code != 0 || all != out {
		t.Errorf("dead list --username *: status %d\n%s", code, all)
	}
	if none, code := ask("list", "--username", "nobody"); code != 0 || strings.Count(none, "\n") != 1 {
		t.Errorf("dead list --username nobody: status %d\n%s", code, none)
	}
	id := func(line int) string { return strings.Fields(lines[line])[0] }
	up.Store(true)
	if out, code := ask("retry", id(1)); code != 0 || out != id(1)+"\n" {
		t.Errorf("dead retry: status %d, %q", code, out)
	}
	p.eventually("it is delivered", func() bool {
		var page struct {
			Results []struct{ Status string } `json:"results"`
		}
		p.get("/api/v2/jobs/"+job+"/results?status=OK", &page)
		return len(page.Results) == 1
	})
	if out, code := ask("drop", id(2)); code != 0 || out != id(2)+"\n" {
		t.Errorf("dead drop: status %d, %q", code, out)
	}
	if out, code := ask("drop", id(2)); code != 3 || !strings.Contains(out, "dead letter "+id(2)+": ") {
		t.Errorf("dropped twice: status %d, %q", code, out)
	}
	if out, code := ask("drop", "--job", job, "--username", "admin", "--yes"); code != 0 || !strings.Contains(out, "Drop 1 dead letters:\n  "+id(3)+" of dead\n") || !strings.HasSuffix(out, "1 of 1 are dropped\n") {
		t.Errorf("dead drop --job: status %d, %q", code, out)
	}
	if out, code := ask("list"); code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("dead list: status %d\n%s", code, out)
	}
	for _, args := range [][]string{{"retry"}, {"retry", "1", "--job", job}, {"list", "1"}} {
		if out, code := ask(args...); code == 0 || strings.Count(out, "\n") != 1 {
			t.Errorf("dead %v: status %d, %q", args, code, out)
		}
	}
}
