//go:build linux || darwin

package runner

import (
	"encoding/json"
	"fmt"
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
func (h *harness) cancel(url, id string, headers map[string]string) map[string]any {
	h.t.Helper()
	return h.api(http.MethodPost, url+"/api/v1/jobs/cancel", `{"job_id":"`+id+`"}`, headers)
}

func (h *harness) api(method, url, body string, headers map[string]string) map[string]any {
	h.t.Helper()
	set := map[string]string{"Authorization": "Bearer " + h.token[events.Admin]}
	maps.Copy(set, headers)
	_, text := h.exchange(method, url, body, set)
	a := map[string]any{}
	if err := json.Unmarshal(text, &a); err != nil {
		h.t.Fatalf("%s: %v", text, err)
	}
	return a
}

// forever is a flow that notes that it runs, and does not end.
const forever = `echo $$ >> "$1/journal"; while :; do sleep 0.05; done`

func TestCancel(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", forever)
	r := h.runner(nil)
	url := h.serve(r).URL
	queued, running := h.accept(url, "queued", "flow", `{}`), h.accept(url, "running", "flow", `{}`)
	viewer := map[string]string{"Authorization": "Bearer " + h.token[events.Viewer]}
	other := map[string]string{"Authorization": "Bearer " + h.token[events.Operator]}
	for name, c := range map[string]struct {
		id, says string
		headers  map[string]string
	}{
		"a viewer":        {queued, "role viewer", viewer},
		"somebody else's": {queued, "no such job", other},
		"nobody's":        {"6bc58441-1f60-4265-99f1-881c90ac65df", "no such job", nil},
	} {
		if a := h.cancel(url, c.id, c.headers); a["status"] != "ERROR" || !strings.Contains(a["msg"].(string), c.says) {
			t.Errorf("%s: %v", name, a)
		}
	}

	a := h.cancel(url, queued, nil)
	if a["status"] != "OK" || a["state"] != "DONE" || !strings.Contains(a["cur_status"].(string), `"status":"CANCELLED"`) {
		t.Errorf("cancel of a queued run: %v", a)
	}
	ended := h.until(events.Ended, queued)
	if ended.Status != events.ERROR || ended.Message != "cancelled by admin" || ended.Attempt != 0 {
		t.Errorf("ended %+v", ended)
	}

	h.background(r.Run)
	h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == 1 })
	began := time.Now()
	if a := h.cancel(url, running, nil); a["status"] != "OK" {
		t.Errorf("cancel of a running run: %v", a)
	}
	ended = h.until(events.Ended, running)
	if ended.Status != events.ERROR || !strings.HasPrefix(ended.Message, "cancelled by admin") || ended.Attempt != 1 || ended.StartedAt.IsZero() {
		t.Errorf("ended %+v", ended)
	}
	t.Logf("stopped %s after the request", time.Since(began).Round(time.Millisecond))
	h.drained()
	if got := h.lines("in/journal"); len(got) != 1 {
		t.Errorf("the flow of the cancelled run has run: %v", got)
	}
	status := h.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+running, "", nil)
	if status["state"] != "DONE" || !strings.Contains(status["cur_status"].(string), "CANCELLED") {
		t.Errorf("status %v", status)
	}
	if a := h.cancel(url, running, nil); a["status"] != "OK" { // again
		t.Errorf("cancel again: %v", a)
	}
	h.flow("quick", "exit 0")
	quick := h.accept(url, "quick", "quick", `{}`)
	h.until(events.Ended, quick)
	if a := h.cancel(url, quick, nil); a["status"] != "ERROR" || !strings.Contains(a["msg"].(string), "ended already (OK)") {
		t.Errorf("cancel of a run that is over: %v", a)
	}
}

// Of a run that ended long ago the key may be kept and the events be gone: it is over all the same.
func TestOnlyTheKeyIsKept(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo >> "$1/journal"`)
	r := h.runner(nil)
	url := h.serve(r).URL
	for id, redelivered := range map[string]bool{
		"0b0ff6a4-6eb6-4a83-8a5e-6a2b2a0a1c01": false,
		"0b0ff6a4-6eb6-4a83-8a5e-6a2b2a0a1c02": true, // its runner died before it took it off the queue
	} {
		run := events.Run{
			FlowJobID: id, Owner: "admin", BinaryPath: logical("flow"), InputDir: logical("in"), OutputFolder: logical("out"),
			AcceptedAt: time.Now().Add(-24 * time.Hour),
		}
		queue := r.queueOf(run)
		if redelivered {
			if _, _, err := h.bus.AcceptRun(t.Context(), queue, run); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.bus.KeepRun(t.Context(), queue, run); err != nil {
			t.Fatal(err)
		}
		status := h.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+id, "", nil)
		for what, a := range map[string]map[string]any{"status": status, "cancel": h.cancel(url, id, nil)} {
			if msg, _ := a["msg"].(string); a["status"] != "ERROR" || !strings.Contains(msg, "not kept any more") {
				t.Errorf("%s of %s: %v", what, id, a)
			}
		}
	}
	h.background(r.Run)
	h.drained()
	if lines := h.lines("in/journal"); len(lines) > 0 {
		t.Error("a run that had ended has run again")
	}
	if all := h.history(""); len(all) > 0 {
		t.Errorf("runs that had ended have new events: %+v", all)
	}
}

// A request to cancel outlives the runner that had the run.
func TestCancelAcrossARestart(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", forever)
	relay := h.relay()
	kill := h.killable(relay.url)
	acceptor := h.runner(nil)
	url := h.serve(acceptor).URL
	id := h.accept(url, "k", "flow", `{}`)
	h.eventually("the flow runs", func() bool { return len(h.lines("in/journal")) == 1 })
	pid := h.until(events.Started, id).Process.PID
	kill()
	if a := h.cancel(url, id, nil); a["status"] != "OK" || a["state"] != "PENDING" {
		t.Errorf("cancel: %v", a)
	}
	h.background(acceptor.Run)
	ended := h.until(events.Ended, id)
	if ended.Status != events.ERROR || ended.Message != "cancelled by admin" || ended.Attempt != 1 {
		t.Errorf("ended %+v", ended)
	}
	if members, err := reaper.Group(pid); err != nil || reaper.CountAlive(members) > 0 {
		t.Errorf("the flow lives on: %v, %v", members, err)
	}
	h.drained()
	if got := h.lines("in/journal"); len(got) != 1 {
		t.Errorf("the flow ran again: %v", got)
	}
}

// How many go before a run is told while it waits.
func TestQueuePosition(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", forever)
	r := h.runner(func(c *Config) { c.Workers = 1 })
	url := h.serve(r).URL
	h.background(r.Run)
	first := h.accept(url, "first", "flow", `{}`)
	h.until(events.Started, first)
	for i, want := range []string{"queued: 0 ahead of it", "queued: 1 ahead of it", "queued: 2 ahead of it"} {
		id := h.accept(url, want, "flow", `{}`)
		eventstest.Eventually(h.t, fmt.Sprintf("run %d: %s", i, want), func() bool { // the runner learns from the stream what it has accepted
			a := h.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+id, "", nil)
			return a["msg"] == want && a["state"] == "PENDING"
		})
	}
	if a := h.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+first, "", nil); a["msg"] != "" {
		t.Errorf("the first: %v", a)
	}
}
