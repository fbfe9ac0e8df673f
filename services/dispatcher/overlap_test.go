package dispatcher

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// lab is an endpoint that accepts runs, which last until they are ended.
type lab struct {
	*rig
	accepted chan string // flow job ids
	started  atomic.Int64
}

func newLab(t *testing.T) *lab {
	l := &lab{accepted: make(chan string, 100)}
	l.rig = newRig(t, func(w http.ResponseWriter, q *http.Request) {
		id := "run-" + events.Hash(q.Header.Get(events.HeaderKey))
		l.started.Add(1)
		l.accepted <- id
		_, _ = w.Write(events.Encode(events.RunAnswer{Status: events.OK, Data: &events.RunData{JobID: id}}))
	})
	l.cfg.Secret = "a secret of the test" // so that ends are known
	return l
}

// end publishes the end of a run, as a runner does.
func (l *lab) end(job, run string) {
	l.Helper()
	if err := l.bus.PutRunEvent(l.Context(), events.RunEvent{Phase: events.Ended, JobID: job, FlowJobID: run, Status: events.OK}, 0); err != nil {
		l.Fatal(err)
	}
}

func overlap(policy string) func(string) string {
	return func(s string) string {
		return strings.Replace(s, `"spool":{`, `"spool":{"overlap":"`+policy+`",`, 1)
	}
}

func TestOverlapQueue(t *testing.T) {
	l := newLab(t)
	seq := l.job("j", "1h", overlap("queue"))
	for n := range 4 {
		l.trigger("j", string(rune('a'+n)), seq)
	}
	stop := l.run()
	l.run() // two dispatchers
	for n := range 4 {
		run := <-l.accepted
		select {
		case other := <-l.accepted:
			t.Fatalf("run %s was called for before %s had ended", other, run)
		case <-time.After(300 * time.Millisecond):
		}
		if n == 1 {
			stop() // whose turn it is outlives who gave it
			l.srv.Restart(t)
			l.eventually("the server is back", func() bool { _, _, err := l.bus.Turn(t.Context(), "j"); return err == nil })
		}
		l.end("j", run)
	}
	l.results("j", 4)
}

func TestOverlapQueueOfFiles(t *testing.T) {
	l := newLab(t)
	seq := l.job("j", "1h", func(s string) string { return overlap("queue")(spooled(s)) })
	var some []events.Trigger
	for _, name := range []string{"a", "b", "c"} {
		f := events.NewFile(name)
		f.Fingerprint = events.Hash(name)
		some = append(some, events.Trigger{ID: events.FileTriggerID("j", f.Fingerprint), JobID: "j", Kind: events.KindFile, JobSeq: seq, File: f})
	}
	if _, err := l.bus.CommitFiles(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	l.run()
	for _, want := range some {
		run := <-l.accepted
		if run != "run-"+events.Hash(want.ID) {
			t.Errorf("run %s is out of turn", run)
		}
		select {
		case other := <-l.accepted:
			t.Fatalf("run %s was called for before %s had ended", other, run)
		case <-time.After(300 * time.Millisecond):
		}
		l.end("j", run)
	}
	l.results("j", 3)
}

func TestOverlapSkip(t *testing.T) {
	l := newLab(t)
	seq := l.job("j", "1h", overlap("skip"))
	l.trigger("j", "a", seq)
	l.run()
	run := <-l.accepted
	l.results("j", 1)
	skipped := l.trigger("j", "b", seq)
	l.eventually("the second is skipped", func() bool {
		v := l.verdicts("j")
		return len(v) == 1 && v[0].TriggerID == skipped.ID && v[0].Verdict == events.VerdictSkipped
	})
	l.end("j", run)
	l.trigger("j", "c", seq)
	l.results("j", 2)
	if n := l.started.Load(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// Without a way to know when runs end such a job is refused, and says why.
func TestOverlapNeedsTracking(t *testing.T) {
	r := newRig(t, answer(200, `{"status":"OK"}`))
	r.trigger("j", "a", r.job("j", "1h", overlap("queue")))
	r.run()
	if res := r.results("j", 1)[0]; res.Status != events.ERROR || !strings.Contains(res.HTTP.Response, "spool.overlap") || !strings.Contains(res.HTTP.Response, "--track-runs") {
		t.Errorf("result %+v", res.HTTP)
	}
}

// Under catch_up latest a slot that was not called before a newer one was due is superseded.
func TestOvertakenSlots(t *testing.T) {
	called := make(chan string, 10)
	r := newRig(t, func(w http.ResponseWriter, q *http.Request) {
		called <- q.Header.Get(events.HeaderKey)
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	now := time.Now().Unix() / 60
	for job, edit := range map[string]func(string) string{
		"latest": nil,
		"all":    func(s string) string { return strings.Replace(s, `"spool":{`, `"spool":{"catch_up":"all",`, 1) },
	} {
		seq := r.job(job, "1h", edit)
		for minute := now - 3; minute < now; minute++ {
			if _, err := r.bus.PutTrigger(t.Context(), events.KindCron, events.Trigger{
				ID: events.CronTriggerID(job, minute), JobID: job, Kind: events.KindCron, JobSeq: seq, Minute: minute,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.run()
	if res := r.results("latest", 1); len(res) != 1 || res[0].Minute != now-1 {
		t.Errorf("results under latest: %+v", res)
	}
	v := r.verdicts("latest")
	slices.SortFunc(v, func(a, b events.Verdict) int { return cmp.Compare(a.From, b.From) })
	if len(v) != 2 || v[0].From != now-3 || v[1].From != now-2 || v[0].Verdict != events.VerdictSuperseded {
		t.Errorf("verdicts under latest: %+v", v)
	}
	if res := r.results("all", 3); len(res) != 3 {
		t.Errorf("%d results under all, want 3", len(res))
	}
}

func (r *rig) verdicts(job string) (all []events.Verdict) {
	r.Helper()
	if err := r.bus.Since(r.Context(), events.StreamSlots, events.SlotSubject(job), time.Time{}, func(m jet.Stored) bool {
		var v events.Verdict
		if err := json.Unmarshal(m.Data, &v); err != nil {
			r.Error(err)
		}
		all = append(all, v)
		return true
	}); err != nil {
		r.Fatal(err)
	}
	return all
}

func spooled(s string) string {
	return strings.Replace(s, `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
}
