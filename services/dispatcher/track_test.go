package dispatcher

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func TestReadStatus(t *testing.T) {
	at := time.Unix(1665446500, 0)
	for _, c := range []struct {
		name, body string
		want       runStatus
	}{
		{"pending", `{"status":"OK","state":"PENDING","job_id":"x"}`, runStatus{}},
		{"running", `{"status":"OK","state":"PENDING","cur_status":"{\"status\":\"RUNNING\"}"}`, runStatus{running: true}},
		{"paused", `{"status":"OK","state":"PENDING","cur_status":"{\"status\":\"PAUSED\"}"}`, runStatus{}},
		{"state DONE alone", `{"status":"OK","state":"DONE"}`, runStatus{ended: true, status: events.OK}},
		{"state COMPLETE alone", `{"status":"OK","state":"COMPLETE","results":[{"status":"OK","output_folder":"o"}]}`, runStatus{ended: true, status: events.OK, output: "o"}},
		{"cur_status alone", `{"status":"OK","cur_status":"{\"status\":\"COMPLETE\",\"finish_timestamp\":1665446500}"}`, runStatus{ended: true, status: events.OK, at: at}},
		{"cur_status as an object", `{"status":"OK","cur_status":{"status":"FAILED"},"msg":"why"}`, runStatus{ended: true, status: events.ERROR, message: "the endpoint says FAILED"}},
		{"cancelled", `{"status":"OK","state":"PENDING","cur_status":"{\"status\":\"CANCELLED\"}"}`, runStatus{ended: true, status: events.ERROR, message: "the endpoint says CANCELLED"}},
		{"all three", `{"status":"OK","state":"DONE","results":[{"status":"ERROR","msg":"step 2 broke"}],"cur_status":"{\"status\":\"FAILED\",\"finish_timestamp\":null}"}`, runStatus{ended: true, status: events.ERROR, message: "step 2 broke"}},
	} {
		got, err := readStatus(200, []byte(c.body), nil)
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(runStatus{})); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, d)
		}
	}
	for body, code := range map[string]int{`no`: 200, `{"status":"ERROR","msg":"x"}`: 200, `{"state":"DONE"}`: 404} {
		if _, err := readStatus(code, []byte(body), nil); err == nil {
			t.Errorf("%d %s: no error", code, body)
		}
	}
}

// foreign is an endpoint that is not the built-in runner: it accepts runs and reports their status.
type foreign struct {
	mu     sync.Mutex
	status map[string]string // body of the Job API by flow job id
	tokens map[string]bool   // that it was asked with
}

func (f *foreign) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.URL.Path == events.JobStatusPath {
		f.tokens[q.Header.Get("Authorization")+" "+q.URL.Query().Get("type")] = true
		io.WriteString(w, f.status[q.URL.Query().Get("job_id")]) //nolint:errcheck // a test's answer
		return
	}
	id := "f-" + q.Header.Get(events.HeaderKey)[len("manual:j:"):]
	f.status[id] = `{"status":"OK","state":"PENDING","cur_status":"{\"status\":\"RUNNING\"}"}`
	_, _ = w.Write(events.Encode(events.RunAnswer{Status: events.OK, Data: &events.RunData{JobID: id, OutputFolder: "a/b/fs/D/out"}}))
}

func (f *foreign) set(id, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status[id] = body
}

// The ends of runs of another endpoint are published once each, also when the
// dispatcher that called for them is not the one that lives.
func TestTracksRunsAcrossRestarts(t *testing.T) {
	t.Parallel()
	f := &foreign{status: map[string]string{}, tokens: map[string]bool{}}
	h := newHarness(t, f.ServeHTTP)
	h.cfg.TrackRuns = true
	seq := h.job("j", "1h", nil)
	for _, id := range []string{"good", "bad", "lost"} {
		h.trigger("j", id, seq)
	}
	stop := h.run()
	h.results("j", 3)
	eventstest.Eventually(h, "all run", func() bool { return len(h.runEvents(events.Started)) == 3 })
	stop()
	f.set("f-good", `{"status":"OK","state":"DONE","results":[{"status":"OK","output_folder":"a/b/fs/D/out/1"}]}`)
	f.set("f-bad", `{"status":"OK","cur_status":"{\"status\":\"FAILED\"}"}`)
	f.set("f-lost", `{"status":"ERROR","msg":"no such job"}`)
	h.run()
	h.run() // two dispatchers
	eventstest.Eventually(h, "two end", func() bool { return len(h.runEvents(events.Ended)) == 2 })
	ends := h.runEvents(events.Ended)
	if e := ends["f-good"]; e.Status != events.OK || e.OutputFolder != "a/b/fs/D/out/1" || e.Attempt != 1 || e.TriggerID != "manual:j:good" || e.StartedAt.IsZero() {
		t.Errorf("ended %+v", e)
	}
	if e := ends["f-bad"]; e.Status != events.ERROR || e.Message != "the endpoint says FAILED" {
		t.Errorf("ended %+v", e)
	}
	if !f.tokens["Bearer s3cret flow"] || len(f.tokens) != 1 {
		t.Errorf("asked with %v", f.tokens)
	}
}

// A run whose end is not reported for too long ends with that message.
func TestTrackingGivesUp(t *testing.T) {
	t.Parallel()
	f := &foreign{status: map[string]string{}, tokens: map[string]bool{}}
	h := newHarness(t, f.ServeHTTP)
	h.cfg.TrackRuns, h.cfg.TrackFor = true, 100*time.Millisecond
	h.trigger("j", "x", h.job("j", "1h", nil))
	h.run()
	eventstest.Eventually(h, "it is given up", func() bool { return len(h.runEvents(events.Ended)) == 1 })
	if e := h.runEvents(events.Ended)["f-x"]; e.Status != events.ERROR || !strings.Contains(e.Message, "did not say that the run has ended") {
		t.Errorf("ended %+v", e)
	}
}
