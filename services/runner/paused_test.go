//go:build linux || darwin

package runner

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// isPaused waits until a run is out of the queue, and kept until its job is enabled.
func (h *harness) isPaused(id string) {
	h.t.Helper()
	h.eventually("the run is paused", func() bool {
		_, found, err := h.bus.PausedRun(h.t.Context(), "job-1", id)
		queued, qerr := h.bus.QueuedRun("default", id).Known(h.t.Context())
		return err == nil && found && qerr == nil && !queued[0]
	})
}

// unpaused waits until nothing is kept any more.
func (h *harness) unpaused() {
	h.t.Helper()
	h.eventually("nothing is paused", func() bool {
		n, err := h.bus.WaitingRuns("").Count(h.t.Context())
		return err == nil && n == 0
	})
}

// The queued runs of a disabled job wait, in no flow's way and in no place among the
// deliveries of the queue, whatever restarts; they go on, once each, when it is enabled.
func TestPausedRuns(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo "$SPOOL_RUN_ID" >> "$1/ran"`)
	h.keepJob(events.JobCreated, events.Enabled)
	acceptor := h.runner(nil)
	url := h.serve(acceptor).URL
	var ids []string
	for i := range 8 {
		ids = append(ids, h.accept(url, "file:job-1:"+strconv.Itoa(i), "flow", `{}`))
	}
	h.keepJob(events.JobDisabled, events.Disabled)
	stop := h.background(acceptor.Run)
	for _, id := range ids {
		h.isPaused(id)
	}
	if out, queued, err := h.bus.Unsettled(t.Context(), acceptor.queue()); err != nil || out+queued > 0 {
		t.Errorf("%d and %d deliveries, %v", out, queued, err)
	}
	status := h.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+ids[0], "", nil)
	if msg, _ := status["msg"].(string); status["state"] != "PENDING" || !strings.Contains(msg, "its job is disabled") {
		t.Errorf("status %v", status)
	}
	if again := h.accept(url, "file:job-1:0", "flow", `{}`); again != ids[0] {
		t.Errorf("the same call is another run: %s, %s", again, ids[0])
	}
	hand := h.accept(url, "manual:job-1:x", "flow", `{}`) // asked for by somebody
	h.until(events.Ended, hand)
	other := h.ask(url, "file:job-2:0", body("flow", `{}`), map[string]string{events.HeaderJobID: "job-2"})
	h.eventually("another job's run ends", func() bool {
		_, seq, err := h.bus.RunEvent(h.t.Context(), events.Ended, "job-2", other.Data.JobID)
		return err == nil && seq > 0
	})
	stop()
	if ran := h.lines("in/ran"); len(ran) != 2 {
		t.Errorf("ran %v", ran)
	}
	h.keepJob(events.JobEnabled, events.Enabled)
	h.keepJob(events.JobDisabled, events.Disabled) // quickly again
	successor := h.runner(nil)
	h.background(successor.Run)
	for _, id := range ids {
		h.isPaused(id)
	}
	h.keepJob(events.JobEnabled, events.Enabled)
	for _, id := range ids {
		h.until(events.Ended, id)
	}
	h.drained()
	h.unpaused()
	if ran := h.lines("in/ran"); len(ran) != 2+len(ids) {
		t.Errorf("ran %v", ran)
	}
}

// What ends while it is paused, because somebody cancels it or the job is deleted,
// is never started, and leaves nothing behind.
func TestPausedRunsEnd(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		end  func(h *harness, url, id string)
		says string
	}{
		"cancelled": {func(h *harness, url, id string) { h.cancel(url, id, nil) }, "cancelled by admin"},
		"deleted":   {func(h *harness, _, _ string) { h.keepJob(events.JobDeleted, events.Disabled) }, "cancelled by : its job was disabled, then deleted"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, eventstest.Options{})
			h.flow("flow", `: > "$1/ran"`)
			h.keepJob(events.JobCreated, events.Disabled)
			r := h.runner(nil)
			h.background(r.Run)
			url := h.serve(r).URL
			id := h.accept(url, "file:job-1:0", "flow", `{}`)
			h.isPaused(id)
			c.end(h, url, id)
			if ended := h.until(events.Ended, id); ended.Message != c.says || !ended.Cancelled() {
				t.Errorf("ended %+v", ended)
			}
			h.drained()
			h.unpaused()
			if h.exists("in/ran") {
				t.Error("it was started")
			}
		})
	}
}

// A run that waits for its next attempt waits on while its job is disabled.
func TestPausedRetry(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.keepJob(events.JobCreated, events.Enabled)
	r := h.runner(nil)
	h.background(r.Run)
	id := h.retried(h.serve(r).URL, "k", events.Retries{Times: 3, Backoff: time.Second}, "75")
	h.retrying(id, 1)
	h.keepJob(events.JobDisabled, events.Disabled)
	h.isPaused(id)
	if n, _ := h.phase(events.Started, id); n != 1 {
		t.Errorf("%d attempts while it is disabled", n)
	}
	h.keepJob(events.JobEnabled, events.Enabled)
	if ended := h.until(events.Ended, id); ended.Status != events.OK || ended.Attempt != 2 {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
}

// Cut off between two steps, a run is there twice: the newer counts, and it runs once.
func TestPausedTwice(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo x >> "$1/ran"`)
	h.keepJob(events.JobCreated, events.Disabled)
	r := h.runner(nil)
	id := h.accept(h.serve(r).URL, "file:job-1:0", "flow", `{}`)
	run, _, err := h.bus.AcceptedRun(t.Context(), id)
	for range 2 {
		if err == nil {
			err = h.bus.PauseRun(t.Context(), "default", run)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := h.background(r.Run)
	h.isPaused(id)
	stop()
	h.keepJob(events.JobEnabled, events.Enabled)
	var first jet.PausedRun
	err = h.bus.PausedRuns(t.Context(), "default", "job-1", func(p jet.PausedRun) bool { first = p; return false })
	if err == nil {
		err = h.bus.ResumeRun(t.Context(), first) // an older one is only dropped
	}
	if queued, qerr := h.bus.RunQueue("").Count(t.Context()); err != nil || qerr != nil || queued > 0 {
		t.Fatalf("%d queued, %v %v", queued, err, qerr)
	}
	h.background(h.runner(nil).Run)
	h.until(events.Ended, id)
	h.drained()
	h.unpaused()
	if ran := h.lines("in/ran"); len(ran) != 1 {
		t.Errorf("ran %v", ran)
	}
}

// The run of a file that is marked as run while it is paused ends when its job goes on.
func TestPausedRunIsMarked(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `: > "$2/ran"`)
	h.watchedJob(events.Enabled)
	r := h.runner(nil)
	url := h.serve(r).URL
	h.write("in/a", "alpha", 0o644)
	a, stage := h.callFor(url, "a", "")
	h.watchedJob(events.Disabled)
	h.background(r.Run)
	h.isPaused(a.Data.JobID)
	fingerprint, _, _ := strings.Cut(strings.Split(stage, "/")[2], ".")
	marked, err := h.bus.MarkFiles(t.Context(), "J\u00fcrgen M", []events.SeenFile{{JobID: "job-1", Path: "a", Fingerprint: fingerprint}}, "ann", true)
	if err != nil || !marked[0] {
		t.Fatal(marked, err)
	}
	h.watchedJob(events.Enabled)
	if ended := h.until(events.Ended, a.Data.JobID); ended.Message != "cancelled by ann: the file was marked as run" || !ended.Cancelled() {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
	h.unpaused()
	if h.exists("out/ran") {
		t.Error("it was started")
	}
}
