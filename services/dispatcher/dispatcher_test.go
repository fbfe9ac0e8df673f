package dispatcher

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func TestCallAndResult(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	body := make(chan string, 1)
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(q.Body)
		got <- q
		body <- string(text)
		w.Header().Set("X-Flow", "yes")
		io.WriteString(w, `{"status":"OK","data":{"job_id":"f1","output_folder":"a/b/fs/D/out"}}`) //nolint:errcheck // a test's answer
	})
	trigger := h.trigger("j1", "1", h.job("j1", "1h", nil))
	h.run()
	res := h.results("j1", 1)[0]
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

// Stops, restarts of the server and redeliveries must not lose or double a result, and every call of a trigger carries
// the same key. It runs alone: beside other tests its dispatchers hardly start before they are stopped, and looking up
// hundreds of redelivered triggers takes long.
func TestEveryTriggerEndsOnce(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]int{}
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		keys[q.Header.Get(events.HeaderKey)]++
		mu.Unlock()
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	const n = 600
	auto := h.job("files", "1h", func(s string) string {
		return strings.Replace(s, `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
	})
	var some []events.Trigger
	for i := range n {
		f := events.NewFile(time.Unix(int64(i), 0).String())
		f.Fingerprint = events.Hash(f.Path)
		f.InputDir = "a/b/fs/D/.spool/x"
		some = append(some, events.Trigger{ID: events.FileTriggerID("files", f.Fingerprint), JobID: "files", Kind: events.KindFile, JobSeq: auto, File: f})
	}
	if _, err := h.bus.CommitFiles(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		stop := h.run()
		time.Sleep(time.Duration(50+30*round) * time.Millisecond) // somewhere in the middle
		stop()
		if round == 1 {
			h.srv.Restart(t)
		}
	}
	h.run()
	seen := map[string]int{}
	for _, res := range h.results("files", n) {
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
	t.Parallel()
	called := make(chan string, 100)
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		called <- q.Header.Get(events.HeaderKey)
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	seq := h.job("j", "1h", func(s string) string {
		return strings.Replace(s, `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
	})
	rev, err := h.bus.Job(t.Context(), "j")
	if err != nil {
		t.Fatal(err)
	}
	set := func(change events.Change, status events.JobStatus) {
		t.Helper()
		ev := rev.Event
		ev.Event, ev.Job.Status = change, status
		if seq, err = h.bus.PutJob(t.Context(), ev, seq); err != nil {
			t.Fatal(err)
		}
	}
	set(events.JobDisabled, events.Disabled)
	h.run()
	drop := func(name string) {
		f := events.NewFile(name)
		f.Fingerprint = events.Hash(name)
		if _, err := h.bus.CommitFiles(t.Context(), []events.Trigger{{ID: name, JobID: "j", Kind: events.KindFile, JobSeq: seq, File: f}}); err != nil {
			t.Fatal(err)
		}
	}
	drop("while-disabled")
	h.trigger("j", "asked", seq)
	if got := <-called; !strings.HasPrefix(got, "manual:") {
		t.Errorf("called %s; a manual trigger runs while disabled, a file does not", got)
	}
	set(events.JobEnabled, events.Enabled)
	if got := <-called; got != "while-disabled" {
		t.Errorf("called %s after enable", got)
	}
	h.results("j", 2)
	set(events.JobDisabled, events.Disabled)
	drop("never")
	set(events.JobDeleted, events.Disabled)
	eventstest.Eventually(t, "no file of a deleted job is queued", func() bool {
		left, err := h.bus.Files("").Count(t.Context())
		return err == nil && left == 0
	})
	if len(called) > 0 {
		t.Errorf("called %s of a deleted job", <-called)
	}
}

// With a backlog of 100,000 files of one job and an endpoint that takes 100 ms, the
// file of another reaches the endpoint in its turn, and the log says how soon.
func TestLongBacklogOfOneDoesNotStopAnother(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it stores 100,000 files")
	}
	backlog(t, 100_000, 100, 100*time.Millisecond)
}

func TestBacklogOfOneDoesNotStopAnother(t *testing.T) { backlog(t, 5_000, 20, 100*time.Millisecond) }

func backlog(t *testing.T, n, others int, takes time.Duration) {
	reached := make(chan time.Time, others)
	var ahead atomic.Int64 // calls for files of a
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.Header.Get(events.HeaderKey), "b-") {
			reached <- time.Now()
		} else {
			ahead.Add(1)
			time.Sleep(takes)
		}
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	h.cfg.Log = eventstest.Quiet()
	wide := func(s string) string {
		return strings.Replace(spooled(s), `"spool":{`, `"spool":{"max_concurrency":64,`, 1) // as many as there are workers
	}
	a, b := h.job("a", "1h", wide), h.job("b", "1h", spooled)
	queue := func(job string, seq uint64, names ...string) {
		var some []events.Trigger
		for _, name := range names {
			f := events.NewFile(name)
			f.Fingerprint = events.Hash(name)
			some = append(some, events.Trigger{ID: job + "-" + name, JobID: job, Kind: events.KindFile, JobSeq: seq, File: f})
		}
		if _, err := h.bus.CommitFiles(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	queue("a", a, names...)
	d, _ := h.dispatcher()
	eventstest.Eventually(h, "all workers are busy", func() bool { return len(d.workers) == cap(d.workers) })
	var took []time.Duration
	for i := range others {
		queue("b", b, strconv.Itoa(i))
		began, before := time.Now(), ahead.Load()
		took = append(took, max(0, (<-reached).Sub(began)))
		if n := int(ahead.Load() - before); n > 2*cap(d.workers) {
			t.Errorf("%d files of a went before the one of b, want at most as many as are called at once, twice", n)
		}
		if more, err := h.bus.HasFiles(t.Context(), "a"); err != nil {
			t.Fatal(err)
		} else if !more {
			t.Logf("the backlog was gone after %d of %d files of b: this machine is slow", i+1, others)
			break
		}
	}
	slices.Sort(took)
	t.Logf("behind %d files: p50 %s, p99 %s", n, took[len(took)/2], took[len(took)*99/100])
}

// A runner that finds the file rewritten leaves a verdict, and no result.
func TestRewrittenFileLeavesAVerdict(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set(events.HeaderVerdict, string(events.VerdictSuperseded))
		io.WriteString(w, `{"status":"ERROR","msg":"rewritten"}`) //nolint:errcheck // a test's answer
	})
	h.cfg.Secret = "a secret of the test"
	trigger := h.trigger("j", "1", h.job("j", "1h", nil))
	h.run()
	if list := h.results("j", 0); len(list) > 0 {
		t.Errorf("results %v", list)
	}
	var got []events.Verdict
	if err := h.bus.Verdicts("j").Since(t.Context(), time.Time{}, func(m jet.Entry[events.Verdict]) bool {
		v, err := m.Value()
		if err != nil {
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
