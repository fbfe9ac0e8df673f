package stream_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

func TestEventsAsTheyCome(t *testing.T) {
	r := newHarness(t)
	earlier := r.job("alice")
	l := r.listen("alice/operator", "", "")
	if l.id != "j1-r0-u0-s0-d0-t0" {
		t.Errorf("the stream begins at %q", l.id)
	}
	id := r.job("alice")
	f := l.want("job", id)
	if f.id != "j2-r0-u0-s0-d0-t0" || strings.Contains(f.data, "sealed-box") || strings.Contains(f.data, "secrets") {
		t.Errorf("the job's event is %+v", f)
	}
	r.result(earlier, "first\nsecond <&>")
	f = l.want("result", earlier)
	var result events.Result
	if err := json.Unmarshal([]byte(f.data), &result); err != nil || result.HTTP.Response != "first\nsecond <&>" || f.id != "j2-r1-u0-s0-d0-t0" {
		t.Errorf("the result's event is %+v, %v", f, err)
	}
	r.run(id, "alice")
	if f = l.want("run", `"phase":"ended"`); f.id != "j2-r1-u1-s0-d0-t0" {
		t.Errorf("the run's event is %+v", f)
	}
	r.put(events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: id, Username: "alice"}}, 2)
	l.want("job", `"event":"deleted"`)
}

// The result of a job that the picture of the jobs does not show yet is not lost.
func TestResultOvertakesItsJob(t *testing.T) {
	r := newHarness(t)
	l := r.listen("alice/operator", "?type=result", "")
	for range 50 {
		id := r.job("alice")
		r.result(id, "x")
		l.want("result", id)
	}
}

func TestWhoSeesWhat(t *testing.T) {
	r := newHarness(t)
	clients := map[string]*listener{}
	for _, who := range []string{"alice/operator", "alice/viewer", "bob/operator", "root/admin", "/operator"} {
		clients[who] = r.listen(who, "", "")
	}
	a, b := r.job("alice"), r.job("bob")
	deleted := uuid.NewString()
	r.result(deleted, "nobody's")
	r.result(a, "alice's")
	r.result(b, "bob's")
	r.run(a, "alice")
	r.run(b, "bob")
	r.run("", "alice")
	r.run("", "")
	names := strings.NewReplacer(a, "a", b, "b", deleted, "deleted")
	for who, want := range map[string]string{
		"alice/operator": "job:a | result:a | run:a run:direct/alice",
		"alice/viewer":   "job:a | result:a | run:a run:direct/alice",
		"bob/operator":   "job:b | result:b | run:b",
		"root/admin":     "job:a job:b | result:deleted result:a result:b | run:a run:b run:direct/alice run:direct/",
	} {
		for _, l := range []*listener{clients[who], r.listen(who, "", "j0-r0-u0")} {
			if got := l.byKind(want, names); got != want {
				t.Errorf("%s sees %s; want %s", who, got, want)
			}
		}
	}
	// And nothing more, to the end of the stream.
	r.stop()
	for who, l := range clients {
		if f := l.next(); f.name != "" {
			t.Errorf("%s sees %+v as well", who, f)
		}
	}
}

// byKind reads as many events as are wanted, and puts their names together stream by
// stream, each in its order: between streams there is none.
func (l *listener) byKind(want string, names *strings.Replacer) string {
	l.t.Helper()
	var seen, kinds []string
	for range strings.Count(want, ":") {
		f := l.next()
		var v struct {
			JobID string     `json:"job_id"`
			Owner string     `json:"owner"`
			Job   events.Job `json:"job"`
		}
		if err := json.Unmarshal([]byte(f.data), &v); err != nil {
			l.t.Fatalf("%q: %v", f, err)
		}
		if v.JobID += v.Job.ID; v.JobID == "" {
			v.JobID = "direct/" + v.Owner
		}
		seen = append(seen, names.Replace(f.name+":"+v.JobID))
	}
	for _, kind := range []string{"job:", "result:", "run:"} {
		var list []string
		for _, name := range seen {
			if strings.HasPrefix(name, kind) {
				list = append(list, name)
			}
		}
		kinds = append(kinds, strings.Join(list, " "))
	}
	return strings.Join(kinds, " | ")
}

func TestFilters(t *testing.T) {
	r := newHarness(t)
	a, b := r.job("alice"), r.job("alice")
	r.result(a, "x")
	r.result(b, "x")
	r.run(a, "alice")
	r.run(b, "alice")
	r.run("", "alice")
	names := strings.NewReplacer(a, "a", b, "b")
	for query, want := range map[string]string{
		"?type=run":                  " |  | run:a run:b run:direct/alice",
		"?type=run&job_id=" + b:      " |  | run:b",
		"?job_id=" + a:               "job:a | result:a | run:a",
		"?type=job,result":           "job:a job:b | result:a result:b | ",
		"?type=job&type=run":         "job:a job:b |  | run:a run:b run:direct/alice",
		"?last_event_id=j1-r1-u2":    "job:b | result:b | run:direct/alice",
		"?last_event_id=j1-r77-u999": "job:b |  | ",
	} {
		lastID := "j0-r0-u0"
		if strings.Contains(query, "last_event_id") {
			lastID = ""
		}
		l := r.listen("alice/operator", query, lastID)
		if got := l.byKind(want, names); got != want {
			t.Errorf("%s shows %s; want %s", query, got, want)
		}
		l.cancel()
	}
}

func TestWrongRequests(t *testing.T) {
	r := newHarness(t)
	for query, message := range map[string]string{
		"?jobid=x": "did you mean", "?job_id=x": "job_id: ", "?job_id={" + uuid.NewString() + "}": "job_id: ", "?type=jobs": "none of job, result, run",
		"?type=job,job": "none of job, result, run", "?last_event_id=7": "Last-Event-ID: ", "?last_event_id=j1-r2": "Last-Event-ID: ",
		"?last_event_id=r1-j2-u3": "Last-Event-ID: ", "?last_event_id=j1-r2-u-3": "Last-Event-ID: ",
		"?last_event_id=j1-r2-u18446744073709551616": "Last-Event-ID: ", "?last_event_id=j-r-u": "Last-Event-ID: ",
	} {
		resp, _ := r.ask("alice/operator", query, "")
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), message) {
			t.Errorf("%s: answer %d %s; want %q", query, resp.StatusCode, body, message)
		}
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodHead, r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD answers %d %v", resp.StatusCode, resp.Header)
	}
}

func TestRevokedTokenEndsTheStream(t *testing.T) {
	r := newHarness(t)
	l, other := r.listen("alice/operator", "", ""), r.listen("alice/viewer", "", "")
	r.mu.Lock()
	r.revoked["alice/operator"] = true
	r.mu.Unlock()
	if f := l.next(); f.name != "" {
		t.Errorf("after its token was revoked a client sees %+v", f)
	}
	other.want("job", r.job("alice"))
}

// The end of Run ends the clients, also those that still read what they missed,
// and leaves their connections in order.
func TestStop(t *testing.T) {
	r := newHarness(t)
	idle, busy := r.listen("alice/operator", "", ""), r.listen("root/admin", "", "j0-r0-u0")
	began := time.Now()
	r.stop()
	for _, l := range []*listener{idle, busy} {
		if f := l.next(); f.name != "" {
			t.Errorf("after the end comes %+v", f)
		}
		if err := l.lines.Err(); err != nil {
			t.Errorf("the stream ends with %v", err)
		}
	}
	t.Logf("ended within %s", time.Since(began))
	resp, _ := r.ask("alice/operator", "", "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("after the end the answer is %d", resp.StatusCode)
	}
}

// An idle client hears that the connection lives, for longer than the listener
// lets a request be read, and how far it has come.
func TestHeartbeat(t *testing.T) {
	r := newHarness(t)
	r.stop()
	r.config.Heartbeat = 50 * time.Millisecond
	r.start()
	l := r.listen("alice/operator", "", "")
	began := time.Now()
	for beats := 0; time.Since(began) < 1200*time.Millisecond; beats++ {
		if f := l.block(); f != nil {
			t.Fatalf("after %s and %d beats: %+v", time.Since(began), beats, f)
		}
	}
	for range 3 {
		r.job("bob") // which alice does not see
	}
	for l.id != "j3-r0-u0-s0-d0-t0" {
		if f := l.block(); f != nil {
			t.Fatalf("event %+v", f)
		}
	}
	again := r.listen("alice/operator", "", l.id)
	again.want("job", r.job("alice"))
}
