package dispatcher

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// setStatus enables, disables or deletes a job, and returns the sequence of that revision.
func (h *harness) setStatus(id string, change events.Change, status events.JobStatus) (seq uint64) {
	h.Helper()
	rev, err := h.bus.Job(h.Context(), id)
	if err == nil {
		rev.Event.Event, rev.Event.Job.Status = change, status
		seq, err = h.bus.PutJob(h.Context(), rev.Event, rev.Seq)
	}
	if err != nil {
		h.Fatal(err)
	}
	return seq
}

// slot queues the trigger of one slot.
func (h *harness) slot(job string, seq uint64, minute events.Minute) events.Trigger {
	h.Helper()
	t := events.Trigger{ID: events.CronTriggerID(job, minute), JobID: job, Kind: events.KindCron, JobSeq: seq, At: time.Now(), Minute: minute}
	if _, err := h.bus.Triggers(events.KindCron, job).Put(h.Context(), t); err != nil {
		h.Fatal(err)
	}
	return t
}

// isPaused waits until so many triggers wait until their job is enabled, and none is queued.
func (h *harness) isPaused(job string, n int) {
	h.Helper()
	eventstest.Eventually(h, fmt.Sprintf("%d triggers are paused", n), func() bool {
		paused, err := h.bus.PausedTriggers(job).Count(h.Context())
		queued, qerr := h.bus.Triggers(events.KindCron, job).Count(h.Context())
		return err == nil && qerr == nil && paused == n && queued == 0
	})
}

// The slots of a disabled job that are queued wait, in no other job's way, also those
// that wait for their next call, and whatever restarts. They go on when it is
// enabled, in their order and once each, or go with their job.
func TestPausedTriggers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var calls []string
	fails := true
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		key := q.Header.Get(events.HeaderKey)
		if fails && strings.HasPrefix(key, "cron:a:") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		calls = append(calls, key)
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	h.cfg.RetryWaits = []time.Duration{time.Second}
	all := func(s string) string { return strings.Replace(s, `"spool":{`, `"spool":{"catch_up":"all",`, 1) }
	a, b := h.job("a", "24h", all), h.job("b", "24h", all)
	now := events.MinuteOf(time.Now())
	stop := h.run()
	for i := range events.Minute(3) {
		h.slot("a", a, now-10+i)
	}
	h.setStatus("a", events.JobDisabled, events.Disabled) // while they wait for their next calls
	h.isPaused("a", 3)
	mu.Lock()
	fails = false
	mu.Unlock()
	h.slot("a", a, now-5)
	h.isPaused("a", 4)
	h.slot("b", b, now)
	h.results("b", 1)
	h.trigger("a", "by hand", a)
	h.results("a", 1)
	stop()
	h.setStatus("a", events.JobEnabled, events.Enabled)
	h.setStatus("a", events.JobDisabled, events.Disabled) // and back at once
	stop = h.run()
	h.isPaused("a", 4)
	mu.Lock()
	if len(calls) != 2 {
		t.Errorf("called %v while the job is disabled", calls)
	}
	calls = nil
	mu.Unlock()
	h.setStatus("a", events.JobEnabled, events.Enabled)
	h.results("a", 5)
	h.isPaused("a", 0)
	mu.Lock()
	if len(calls) != 4 {
		t.Errorf("called %v", calls)
	}
	calls = nil
	mu.Unlock()
	h.slot("a", h.setStatus("a", events.JobDisabled, events.Disabled), now-1)
	h.isPaused("a", 1)
	stop()
	h.setStatus("a", events.JobDeleted, events.Disabled)
	h.run()
	h.isPaused("a", 0)
	if mu.Lock(); len(calls) > 0 {
		t.Errorf("called %v of a deleted job", calls)
	}
	mu.Unlock()
}

// Cut off between its steps, a trigger is kept twice, or kept and queued: it is
// called for once.
func TestPausedTwice(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	calls := 0
	h := newHarness(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	a := h.job("a", "24h", nil)
	trigger := h.slot("a", a, events.MinuteOf(time.Now()))
	for range 2 {
		if _, err := h.bus.PausedTrigger("a", trigger.ID).Put(t.Context(), trigger); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.bus.Triggers("", "").Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.bus.ResumeTriggers(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	h.run()
	h.results("a", 1)
	h.isPaused("a", 0)
	if mu.Lock(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
	mu.Unlock()
}

// Runs that wait since their job is disabled do not use up the quota of its owner.
func TestPausedRunsAreNotCounted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		id := events.FlowJobID("ann lee", q.Header.Get(events.HeaderKey))
		io.WriteString(w, `{"status":"OK","data":{"job_id":"`+id+`"}}`) //nolint:errcheck // a test's answer; its runs never end
	})
	h.cfg.Secret, h.cfg.Running = "a secret of the test", 2
	a, b := h.job("a", "24h", nil), h.job("b", "24h", nil)
	h.run()
	h.trigger("a", "1", a)
	h.trigger("a", "2", a)
	h.results("a", 2)
	h.trigger("b", "1", b)
	h.setStatus("a", events.JobDisabled, events.Disabled)
	h.results("b", 1)
}
