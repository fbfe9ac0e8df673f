//go:build linux || darwin

package runner

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/reaper"
)

// cancel asks for the end of a run, as an administrator unless headers say otherwise.
func (l *lab) cancel(url, id string, headers map[string]string) map[string]any {
	l.t.Helper()
	return l.api(http.MethodPost, url+"/api/v1/jobs/cancel", `{"job_id":"`+id+`"}`, headers)
}

func (l *lab) api(method, url, body string, headers map[string]string) map[string]any {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	set := map[string]string{"Authorization": "Bearer " + l.token[events.Admin]}
	maps.Copy(set, headers)
	for k, v := range set {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	a := map[string]any{}
	if err := json.Unmarshal(text, &a); err != nil {
		l.t.Fatalf("%s: %v", text, err)
	}
	return a
}

// forever is a flow that notes that it runs, and does not end.
const forever = `echo $$ >> "$1/journal"; while :; do sleep 0.05; done`

func TestCancel(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", forever)
	r := l.runner(nil)
	url := l.serve(r).URL
	queued, running := l.accept(url, "queued", "flow", `{}`), l.accept(url, "running", "flow", `{}`)
	viewer := map[string]string{"Authorization": "Bearer " + l.token[events.Viewer]}
	other := map[string]string{"Authorization": "Bearer " + l.token[events.Operator]}
	for name, c := range map[string]struct {
		id, says string
		headers  map[string]string
	}{
		"a viewer":        {queued, "role viewer", viewer},
		"somebody else's": {queued, "no such job", other},
		"nobody's":        {"6bc58441-1f60-4265-99f1-881c90ac65df", "no such job", nil},
	} {
		if a := l.cancel(url, c.id, c.headers); a["status"] != "ERROR" || !strings.Contains(a["msg"].(string), c.says) {
			t.Errorf("%s: %v", name, a)
		}
	}

	a := l.cancel(url, queued, nil)
	if a["status"] != "OK" || a["state"] != "DONE" || !strings.Contains(a["cur_status"].(string), `"status":"CANCELLED"`) {
		t.Errorf("cancel of a queued run: %v", a)
	}
	ended := l.until(events.Ended, queued)
	if ended.Status != events.ERROR || ended.Message != "cancelled by admin" || ended.Attempt != 0 {
		t.Errorf("ended %+v", ended)
	}

	l.background(r.Run)
	l.eventually("the flow runs", func() bool { return len(l.lines("in/journal")) == 1 })
	began := time.Now()
	if a := l.cancel(url, running, nil); a["status"] != "OK" {
		t.Errorf("cancel of a running run: %v", a)
	}
	ended = l.until(events.Ended, running)
	if ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "cancelled by admin") || ended.Attempt != 1 || ended.StartedAt.IsZero() {
		t.Errorf("ended %+v", ended)
	}
	t.Logf("stopped %s after the request", time.Since(began).Round(time.Millisecond))
	l.drained()
	if got := l.lines("in/journal"); len(got) != 1 {
		t.Errorf("the flow of the cancelled run has run: %v", got)
	}
	status := l.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+running, "", nil)
	if status["state"] != "DONE" || !strings.Contains(status["cur_status"].(string), "CANCELLED") {
		t.Errorf("status %v", status)
	}
	if a := l.cancel(url, running, nil); a["status"] != "OK" { // again
		t.Errorf("cancel again: %v", a)
	}
	l.flow("quick", "exit 0")
	quick := l.accept(url, "quick", "quick", `{}`)
	l.until(events.Ended, quick)
	if a := l.cancel(url, quick, nil); a["status"] != "ERROR" || !strings.Contains(a["msg"].(string), "ended already (OK)") {
		t.Errorf("cancel of a run that is over: %v", a)
	}
}

// A request to cancel outlives the runner that had the run.
func TestCancelAcrossARestart(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", forever)
	relay := l.relay()
	kill := l.killable(relay.url)
	acceptor := l.runner(nil)
	url := l.serve(acceptor).URL
	id := l.accept(url, "k", "flow", `{}`)
	l.eventually("the flow runs", func() bool { return len(l.lines("in/journal")) == 1 })
	pid := l.until(events.Started, id).Process.PID
	kill()
	if a := l.cancel(url, id, nil); a["status"] != "OK" || a["state"] != "PENDING" {
		t.Errorf("cancel: %v", a)
	}
	l.background(acceptor.Run)
	ended := l.until(events.Ended, id)
	if ended.Status != events.ERROR || ended.Message != "cancelled by admin" || ended.Attempt != 1 {
		t.Errorf("ended %+v", ended)
	}
	if members, err := reaper.Group(pid); err != nil || reaper.CountAlive(members) > 0 {
		t.Errorf("the flow lives on: %v, %v", members, err)
	}
	l.drained()
	if got := l.lines("in/journal"); len(got) != 1 {
		t.Errorf("the flow ran again: %v", got)
	}
}

// How many go before a run is told while it waits.
func TestQueuePosition(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", forever)
	r := l.runner(func(c *Config) { c.Workers = 1 })
	url := l.serve(r).URL
	l.background(r.Run)
	first := l.accept(url, "first", "flow", `{}`)
	l.until(events.Started, first)
	for i, want := range []string{"queued: 0 ahead of it", "queued: 1 ahead of it", "queued: 2 ahead of it"} {
		id := l.accept(url, want, "flow", `{}`)
		if a := l.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+id, "", nil); a["msg"] != want || a["state"] != "PENDING" {
			t.Errorf("run %d: %v", i, a)
		}
	}
	if a := l.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+first, "", nil); a["msg"] != "" {
		t.Errorf("the first: %v", a)
	}
}
