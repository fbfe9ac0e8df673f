package dispatcher

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
)

const parameters = `{"name":"n","schedule":"@daily","flow_parameters":{"auth_token":"s3cret","binary_path":"a/b/fs/D/f",` +
	`"input_dir":"a/b/fs/D/in","settings":{"tags":["x"],"webhook_config":{"headers":{"X-Key":"h1dden"}}}},"spool":{"retry_for":"RETRY"}}`

// rig is a dispatcher between a real server and a real endpoint.
type rig struct {
	*testing.T
	bus *jet.Bus
	key *seal.Key
	cfg Config
	srv *eventstest.Server
}

func newRig(t *testing.T, endpoint http.HandlerFunc) *rig {
	key, err := seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, key: key, srv: eventstest.Start(t, eventstest.Options{})}
	r.bus = eventstest.Connect(t, r.srv)
	url := "http://127.0.0.1:1/nobody" // refuses connections
	if endpoint != nil {
		s := httptest.NewServer(endpoint)
		t.Cleanup(s.Close)
		url = s.URL
	}
	r.cfg = Config{Bus: r.bus, SealKey: key, RunBinaryURL: url, Log: eventstest.Log(t)}
	return r
}

// run runs a dispatcher until the test ends or stop is called.
func (r *rig) run() (stop func()) {
	r.Helper()
	d, err := New(r.cfg)
	if err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				r.Errorf("Run: %v", err)
			}
		})
	}
	r.Cleanup(stop)
	return stop
}

func (r *rig) job(id, retryFor string, edit func(string) string) uint64 {
	r.Helper()
	text := strings.Replace(parameters, "RETRY", retryFor, 1)
	if edit != nil {
		text = edit(text)
	}
	o, err := events.ParseObject([]byte(text))
	if err != nil {
		r.Fatal(err)
	}
	masked, secrets, err := events.Conceal(o, func(pointer, value string) (string, error) {
		return r.key.Public.Seal(value, id, pointer)
	})
	if err != nil {
		r.Fatal(err)
	}
	seq, err := r.bus.PutJob(r.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: id, Username: "ann lee", Status: events.Enabled, Parameters: masked, Secrets: secrets,
	}}, 0)
	if err != nil {
		r.Fatal(err)
	}
	return seq
}

func (r *rig) trigger(job, id string, seq uint64) events.Trigger {
	r.Helper()
	t := events.Trigger{ID: events.ManualTriggerID(job, id), JobID: job, Kind: events.KindManual, JobSeq: seq, At: time.Now()}
	if _, err := r.bus.PutTrigger(r.Context(), events.KindManual, t); err != nil {
		r.Fatal(err)
	}
	return t
}

// results waits until a job has n results, and then for its queues to be empty.
func (r *rig) results(job string, n int) []events.Result {
	r.Helper()
	var list []events.Result
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		list = nil
		err := r.bus.Since(r.Context(), events.StreamResults, events.ResultSubject(job), time.Time{}, func(m jet.Stored) bool {
			var res events.Result
			if err := json.Unmarshal(m.Data, &res); err != nil {
				r.Fatal(err)
			}
			list = append(list, res)
			return true
		})
		if err != nil {
			continue // the server may be restarting
		}
		left, err1 := r.bus.Subjects(r.Context(), events.StreamTriggers, events.AllTriggers)
		files, err2 := r.bus.Subjects(r.Context(), events.StreamFiles, events.AllFiles)
		if len(list) >= n && err1 == nil && err2 == nil && len(left)+len(files) == 0 {
			return list
		}
	}
	r.Fatalf("job %s has %d results after 30 s, want %d", job, len(list), n)
	return nil
}

func TestCallAndResult(t *testing.T) {
	got := make(chan *http.Request, 1)
	body := make(chan string, 1)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(q.Body)
		got <- q
		body <- string(text)
		w.Header().Set("X-Flow", "yes")
		io.WriteString(w, `{"status":"OK","data":{"job_id":"f1","output_folder":"a/b/fs/D/out"}}`) //nolint:errcheck // a test's answer
	})
	trigger := r.trigger("j1", "1", r.job("j1", "1h", nil))
	r.run()
	res := r.results("j1", 1)[0]
	q := <-got
	if q.Header.Get("Authorization") != "Bearer s3cret" || q.Header.Get(events.HeaderKey) != trigger.ID || q.Header.Get("Traceparent") == "" {
		t.Errorf("headers of the call: %v", q.Header)
	}
	for name := range q.Header {
		if strings.HasPrefix(name, "Spool-") {
			t.Errorf("a foreign endpoint was sent %s", name)
		}
	}
	want := `{"input_dir":"a/b/fs/D/in","binary_path":"a/b/fs/D/f","settings":{"tags":["x"],"webhook_config":{"headers":{"X-Key":"h1dden"}}}}`
	if text := <-body; text != want {
		t.Errorf("body of the call\n got %s\nwant %s", text, want)
	}
	if res.Status != events.OK || res.HTTP.Status != "200" || res.FlowJobID != "f1" || res.OutputFolder == "" || res.TriggerID != trigger.ID {
		t.Errorf("result %+v", res)
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name, retryFor string
		endpoint       http.HandlerFunc
		status         events.Status
		http, response string
		calls          int // exactly; 0 = at least two
		dead           bool
	}{
		{"200", "3s", answer(200, `{"status":"OK"}`), events.OK, "200", `{"status":"OK"}`, 1, false},
		{"200 that says ERROR", "3s", answer(200, `{"status":"ERROR","msg":"no"}`), events.ERROR, "200", `"msg":"no"`, 1, false},
		{"200 with garbage", "3s", answer(200, `garbage`), events.OK, "200", `garbage`, 1, false},
		{"302", "3s", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/x", http.StatusFound) }, events.ERROR, "302", "", 1, false},
		{"404", "3s", answer(404, `no`), events.ERROR, "404", `no`, 1, false},
		{"500", "2500ms", answer(500, `boom`), events.ERROR, "500", `boom`, 0, true},
		{"500, at most once", "0s", answer(500, `boom`), events.ERROR, "500", `boom`, 1, true},
		{"refused", "2500ms", nil, events.ERROR, "0", "connection refused", 0, true},
		{"reset", "2500ms", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, events.ERROR, "0", "EOF", 0, true},
		{"a gigabyte", "2s", func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 14 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, events.OK, "200", events.CutMark, 1, false},
		{"a megabyte of headers", "2s", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 900 {
				w.Header().Add("X-Much", strings.Repeat("x", 1000)+string(rune('a'+i%26)))
			}
		}, events.OK, "200", "", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			calls := 0
			var endpoint http.HandlerFunc
			if c.endpoint != nil {
				endpoint = func(w http.ResponseWriter, q *http.Request) {
					mu.Lock()
					calls++
					mu.Unlock()
					c.endpoint(w, q)
				}
			}
			r := newRig(t, endpoint)
			r.trigger("j", "1", r.job("j", c.retryFor, nil))
			r.run()
			list := r.results("j", 1)
			if len(list) != 1 {
				t.Fatalf("%d results", len(list))
			}
			res := list[0]
			if res.Status != c.status || res.HTTP.Status != c.http || !strings.Contains(res.HTTP.Response, c.response) {
				t.Errorf("result %s %s %.200q", res.Status, res.HTTP.Status, res.HTTP.Response)
			}
			mu.Lock()
			defer mu.Unlock()
			if c.calls > 0 && calls != c.calls || c.calls == 0 && c.endpoint != nil && calls < 2 {
				t.Errorf("%d calls, want %d", calls, c.calls)
			}
			dead, err := r.bus.Subjects(t.Context(), events.StreamDeadLetters, events.AllDead)
			if err != nil || len(dead) > 0 != c.dead {
				t.Errorf("dead letters: %v (%v)", dead, err)
			}
		})
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	}
}

// Stops, restarts of the server and redeliveries must not lose or double a result,
// and every call of a trigger carries the same key.
func TestEveryTriggerEndsOnce(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]int{}
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		keys[q.Header.Get(events.HeaderKey)]++
		mu.Unlock()
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	const n = 600
	auto := r.job("files", "1h", func(s string) string {
		return strings.Replace(s, `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
	})
	var some []events.Trigger
	for i := range n {
		f := events.NewFile(time.Unix(int64(i), 0).String())
		f.Fingerprint = events.Hash(f.Path)
		f.InputDir = "a/b/fs/D/.spool/x"
		some = append(some, events.Trigger{ID: events.FileTriggerID("files", f.Fingerprint), JobID: "files", Kind: events.KindFile, JobSeq: auto, File: f})
	}
	if _, err := r.bus.CommitFiles(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		stop := r.run()
		time.Sleep(time.Duration(50+30*round) * time.Millisecond) // somewhere in the middle
		stop()
		if round == 1 {
			r.srv.Restart(t)
		}
	}
	r.run()
	seen := map[string]int{}
	for _, res := range r.results("files", n) {
		seen[res.TriggerID]++
	}
	for _, trigger := range some {
		if seen[trigger.ID] != 1 || keys[trigger.ID] < 1 {
			t.Errorf("%s has %d results after %d calls", trigger.ID, seen[trigger.ID], keys[trigger.ID])
		}
	}
	if len(keys) != n {
		t.Errorf("%d keys were called, want %d", len(keys), n)
	}
}

func TestDisabledFilesWaitAndDeletedOnesGo(t *testing.T) {
	called := make(chan string, 100)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		called <- q.Header.Get(events.HeaderKey)
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	seq := r.job("j", "1h", func(s string) string {
		return strings.Replace(s, `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
	})
	rev, err := r.bus.Job(t.Context(), "j")
	if err != nil {
		t.Fatal(err)
	}
	set := func(change events.Change, status events.JobStatus) {
		t.Helper()
		ev := rev.Event
		ev.Event, ev.Job.Status = change, status
		if seq, err = r.bus.PutJob(t.Context(), ev, seq); err != nil {
			t.Fatal(err)
		}
	}
	set(events.JobDisabled, events.Disabled)
	r.run()
	drop := func(name string) {
		f := events.NewFile(name)
		f.Fingerprint = events.Hash(name)
		if _, err := r.bus.CommitFiles(t.Context(), []events.Trigger{{ID: name, JobID: "j", Kind: events.KindFile, JobSeq: seq, File: f}}); err != nil {
			t.Fatal(err)
		}
	}
	drop("while-disabled")
	r.trigger("j", "asked", seq)
	if got := <-called; !strings.HasPrefix(got, "manual:") {
		t.Errorf("called %s; a manual trigger runs while disabled, a file does not", got)
	}
	set(events.JobEnabled, events.Enabled)
	if got := <-called; got != "while-disabled" {
		t.Errorf("called %s after enable", got)
	}
	r.results("j", 2)
	set(events.JobDisabled, events.Disabled)
	drop("never")
	set(events.JobDeleted, events.Disabled)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left, err := r.bus.Subjects(t.Context(), events.StreamFiles, events.AllFiles)
		if err == nil && len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("files of a deleted job are still queued: %v", left)
		}
	}
	if len(called) > 0 {
		t.Errorf("called %s of a deleted job", <-called)
	}
}

func TestBacklogOfOneDoesNotStopAnother(t *testing.T) {
	release := make(chan struct{})
	reached := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get(events.HeaderKey) == "b-file" {
			close(reached)
		} else {
			<-release
		}
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	automatic := func(s string) string {
		return strings.Replace(s, `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
	}
	a, b := r.job("a", "1h", automatic), r.job("b", "1h", automatic)
	var backlog []events.Trigger
	for i := range 500 {
		f := events.NewFile(time.Unix(int64(i), 0).String())
		f.Fingerprint = events.Hash(f.Path)
		backlog = append(backlog, events.Trigger{ID: "a-" + f.Path, JobID: "a", Kind: events.KindFile, JobSeq: a, File: f})
	}
	if _, err := r.bus.CommitFiles(t.Context(), backlog); err != nil {
		t.Fatal(err)
	}
	r.run()
	f := events.NewFile("one")
	f.Fingerprint = events.Hash("one")
	if _, err := r.bus.CommitFiles(t.Context(), []events.Trigger{{ID: "b-file", JobID: "b", Kind: events.KindFile, JobSeq: b, File: f}}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reached:
	case <-time.After(20 * time.Second):
		t.Error("the file of b waits behind the backlog of a")
	}
	close(release)
	r.results("a", 500)
}

// A runner that finds the file rewritten leaves a verdict, and no result.
func TestRewrittenFileLeavesAVerdict(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set(events.HeaderVerdict, events.VerdictSuperseded)
		io.WriteString(w, `{"status":"ERROR","msg":"rewritten"}`) //nolint:errcheck // a test's answer
	})
	r.cfg.Secret = "a secret of the test"
	trigger := r.trigger("j", "1", r.job("j", "1h", nil))
	r.run()
	if list := r.results("j", 0); len(list) > 0 {
		t.Errorf("results %v", list)
	}
	var got []events.Verdict
	if err := r.bus.Since(t.Context(), events.StreamSlots, events.SlotSubject("j"), time.Time{}, func(m jet.Stored) bool {
		var v events.Verdict
		if err := json.Unmarshal(m.Data, &v); err != nil {
			t.Error(err)
		}
		got = append(got, v)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].TriggerID != trigger.ID || got[0].Verdict != "superseded" || got[0].Reason != "rewritten" {
		t.Errorf("verdicts %+v", got)
	}
}
