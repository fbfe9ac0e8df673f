package dispatcher

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// runsHarness is an endpoint that accepts runs, which last until they are ended.
type runsHarness struct {
	*harness
	accepted chan string // flow job ids
	started  atomic.Int64
}

func newRunsHarness(t *testing.T) *runsHarness {
	h := &runsHarness{accepted: make(chan string, 100)}
	h.harness = newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		id := "run-" + events.Hash(q.Header.Get(events.HeaderKey))
		h.started.Add(1)
		h.accepted <- id
		_, _ = w.Write(events.Encode(events.RunAnswer{Status: events.OK, Data: &events.RunData{JobID: id}}))
	})
	h.cfg.Secret = "a secret of the test" // so that ends are known
	return h
}

// end publishes the end of a run, as a runner does.
func (h *runsHarness) end(job, run string) {
	h.Helper()
	if err := h.bus.PutRunEvent(h.Context(), events.RunEvent{Phase: events.Ended, JobID: job, FlowJobID: run, Status: events.OK}, 0); err != nil {
		h.Fatal(err)
	}
}

func overlap(policy string) func(string) string {
	return func(s string) string {
		return strings.Replace(s, `"spool":{`, `"spool":{"overlap":"`+policy+`",`, 1)
	}
}

func TestOverlapQueue(t *testing.T) {
	t.Parallel()
	h := newRunsHarness(t)
	seq := h.job("j", "1h", overlap("queue"))
	for n := range 4 {
		h.trigger("j", string(rune('a'+n)), seq)
	}
	stop := h.run()
	h.run() // two dispatchers
	for n := range 4 {
		run := <-h.accepted
		select {
		case other := <-h.accepted:
			t.Fatalf("run %s was called for before %s had ended", other, run)
		case <-time.After(300 * time.Millisecond):
		}
		if n == 1 {
			stop() // whose turn it is outlives who gave it
			h.srv.Restart(t)
			eventstest.Eventually(h, "the server is back", func() bool { _, _, err := h.bus.Lease(t.Context(), "j"); return err == nil })
		}
		h.end("j", run)
	}
	h.results("j", 4)
}

func TestOverlapQueueOfFiles(t *testing.T) {
	t.Parallel()
	h := newRunsHarness(t)
	seq := h.job("j", "1h", func(s string) string { return overlap("queue")(spooled(s)) })
	var some []events.Trigger
	for _, name := range []string{"a", "b", "c"} {
		f := events.NewFile(name)
		f.Fingerprint = events.Hash(name)
		some = append(some, events.Trigger{ID: events.FileTriggerID("j", f.Fingerprint), JobID: "j", Kind: events.KindFile, JobSeq: seq, File: f})
	}
	if _, err := h.bus.CommitFiles(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	h.run()
	for _, want := range some {
		run := <-h.accepted
		if run != "run-"+events.Hash(want.ID) {
			t.Errorf("run %s is out of turn", run)
		}
		select {
		case other := <-h.accepted:
			t.Fatalf("run %s was called for before %s had ended", other, run)
		case <-time.After(300 * time.Millisecond):
		}
		h.end("j", run)
	}
	h.results("j", 3)
}

func TestOverlapSkip(t *testing.T) {
	t.Parallel()
	h := newRunsHarness(t)
	seq := h.job("j", "1h", overlap("skip"))
	h.trigger("j", "a", seq)
	h.run()
	run := <-h.accepted
	h.results("j", 1)
	skipped := h.trigger("j", "b", seq)
	eventstest.Eventually(h, "the second is skipped, and says by whom", func() bool {
		v := h.verdicts("j")
		return len(v) == 1 && v[0].TriggerID == skipped.ID && v[0].Verdict == events.VerdictSkipped && v[0].Blocker == events.ManualTriggerID("j", "a")
	})
	h.end("j", run)
	h.trigger("j", "c", seq)
	h.results("j", 2)
	if n := h.started.Load(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// Without a way to know when runs end such a job is refused, and says why.
func TestOverlapNeedsTracking(t *testing.T) {
	t.Parallel()
	h := newHarness(t, answer(200, `{"status":"OK"}`))
	h.trigger("j", "a", h.job("j", "1h", overlap("queue")))
	h.run()
	if res := h.results("j", 1)[0]; res.Status != events.ERROR || !strings.Contains(res.HTTP.Response, "spool.overlap") || !strings.Contains(res.HTTP.Response, "--track-runs") {
		t.Errorf("result %+v", res.HTTP)
	}
}

// Under catch_up latest a slot that was not called before a newer one was due is superseded.
func TestOvertakenSlots(t *testing.T) {
	t.Parallel()
	called := make(chan string, 10)
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		called <- q.Header.Get(events.HeaderKey)
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	now := events.MinuteOf(time.Now())
	for job, edit := range map[string]func(string) string{
		"latest": nil,
		"all":    func(s string) string { return strings.Replace(s, `"spool":{`, `"spool":{"catch_up":"all",`, 1) },
	} {
		seq := h.job(job, "1h", edit)
		for minute := now - 3; minute < now; minute++ {
			if _, err := h.bus.PutTrigger(t.Context(), events.KindCron, events.Trigger{
				ID: events.CronTriggerID(job, minute), JobID: job, Kind: events.KindCron, JobSeq: seq, Minute: minute,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.run()
	if res := h.results("latest", 1); len(res) != 1 || res[0].Minute != now-1 {
		t.Errorf("results under latest: %+v", res)
	}
	v := h.verdicts("latest")
	slices.SortFunc(v, func(a, b events.Verdict) int { return cmp.Compare(a.From, b.From) })
	if len(v) != 2 || v[0].From != now-3 || v[1].From != now-2 || v[0].Verdict != events.VerdictSuperseded {
		t.Errorf("verdicts under latest: %+v", v)
	}
	if res := h.results("all", 3); len(res) != 3 {
		t.Errorf("%d results under all, want 3", len(res))
	}
}
