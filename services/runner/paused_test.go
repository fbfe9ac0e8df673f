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
func (l *lab) isPaused(id string) {
	l.t.Helper()
	l.eventually("the run is paused", func() bool {
		_, found, err := l.bus.PausedRun(l.t.Context(), "job-1", id)
		queued, qerr := l.bus.Known(l.t.Context(), events.StreamRuns, []string{events.RunQueueSubject("default", id)})
		return err == nil && found && qerr == nil && !queued[0]
	})
}

// unpaused waits until nothing is kept any more.
func (l *lab) unpaused() {
	l.t.Helper()
	l.eventually("nothing is paused", func() bool {
		n, err := l.bus.Count(l.t.Context(), events.StreamRuns, events.AllPausedRuns)
		return err == nil && n == 0
	})
}

// The queued runs of a disabled job wait, in no flow's way and in no place among the
// deliveries of the queue, whatever restarts; they go on, once each, when it is enabled.
func TestPausedRuns(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `echo "$SPOOL_RUN_ID" >> "$1/ran"`)
	l.keepJob(events.JobCreated, events.Enabled)
	acceptor := l.runner(nil)
	url := l.serve(acceptor).URL
	var ids []string
	for i := range 8 {
		ids = append(ids, l.accept(url, "file:job-1:"+strconv.Itoa(i), "flow", `{}`))
	}
	l.keepJob(events.JobDisabled, events.Disabled)
	stop := l.background(acceptor.Run)
	for _, id := range ids {
		l.isPaused(id)
	}
	if out, queued, err := l.bus.Unsettled(t.Context(), acceptor.queue()); err != nil || out+queued > 0 {
		t.Errorf("%d and %d deliveries, %v", out, queued, err)
	}
	status := l.api(http.MethodGet, url+"/api/v1/jobs/status?job_id="+ids[0], "", nil)
	if msg, _ := status["msg"].(string); status["state"] != "PENDING" || !strings.Contains(msg, "its job is disabled") {
		t.Errorf("status %v", status)
	}
	if again := l.accept(url, "file:job-1:0", "flow", `{}`); again != ids[0] {
		t.Errorf("the same call is another run: %s, %s", again, ids[0])
	}
	hand := l.accept(url, "manual:job-1:x", "flow", `{}`) // asked for by somebody
	l.until(events.Ended, hand)
	other := l.ask(url, "file:job-2:0", body("flow", `{}`), map[string]string{events.HeaderJobID: "job-2"})
	l.eventually("another job's run ends", func() bool {
		_, seq, err := l.bus.RunEvent(l.t.Context(), events.Ended, "job-2", other.Data.JobID)
		return err == nil && seq > 0
	})
	stop()
	if ran := l.lines("in/ran"); len(ran) != 2 {
		t.Errorf("ran %v", ran)
	}
	l.keepJob(events.JobEnabled, events.Enabled)
	l.keepJob(events.JobDisabled, events.Disabled) // quickly again
	successor := l.runner(nil)
	l.background(successor.Run)
	for _, id := range ids {
		l.isPaused(id)
	}
	l.keepJob(events.JobEnabled, events.Enabled)
	for _, id := range ids {
		l.until(events.Ended, id)
	}
	l.drained()
	l.unpaused()
	if ran := l.lines("in/ran"); len(ran) != 2+len(ids) {
		t.Errorf("ran %v", ran)
	}
}

// What ends while it is paused, because somebody cancels it or the job is deleted,
// is never started, and leaves nothing behind.
func TestPausedRunsEnd(t *testing.T) {
	for what, c := range map[string]struct {
		end  func(l *lab, url, id string)
		says string
	}{
		"cancelled": {func(l *lab, url, id string) { l.cancel(url, id, nil) }, "cancelled by admin"},
		"deleted":   {func(l *lab, _, _ string) { l.keepJob(events.JobDeleted, events.Disabled) }, "cancelled by : its job was disabled, then deleted"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, eventstest.Options{})
			l.flow("flow", `: > "$1/ran"`)
			l.keepJob(events.JobCreated, events.Disabled)
			r := l.runner(nil)
			l.background(r.Run)
			url := l.serve(r).URL
			id := l.accept(url, "file:job-1:0", "flow", `{}`)
			l.isPaused(id)
			c.end(l, url, id)
			if ended := l.until(events.Ended, id); ended.Message != c.says || !ended.Cancelled() {
				t.Errorf("ended %+v", ended)
			}
			l.drained()
			l.unpaused()
			if l.exists("in/ran") {
				t.Error("it was started")
			}
		})
	}
}

// A run that waits for its next attempt waits on while its job is disabled.
func TestPausedRetry(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.keepJob(events.JobCreated, events.Enabled)
	r := l.runner(nil)
	l.background(r.Run)
	id := l.retried(l.serve(r).URL, "k", events.Retries{Times: 3, Backoff: time.Second}, "75")
	l.retrying(id, 1)
	l.keepJob(events.JobDisabled, events.Disabled)
	l.isPaused(id)
	if n, _ := l.phase(events.Started, id); n != 1 {
		t.Errorf("%d attempts while it is disabled", n)
	}
	l.keepJob(events.JobEnabled, events.Enabled)
	if ended := l.until(events.Ended, id); ended.Status != events.OK || ended.Attempt != 2 {
		t.Errorf("ended %+v", ended)
	}
	l.drained()
}

// Cut off between two steps, a run is there twice: the newer counts, and it runs once.
func TestPausedTwice(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `echo x >> "$1/ran"`)
	l.keepJob(events.JobCreated, events.Disabled)
	r := l.runner(nil)
	id := l.accept(l.serve(r).URL, "file:job-1:0", "flow", `{}`)
	run, _, err := l.bus.AcceptedRun(t.Context(), id)
	for range 2 {
		if err == nil {
			err = l.bus.PauseRun(t.Context(), "default", run)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := l.background(r.Run)
	l.isPaused(id)
	stop()
	l.keepJob(events.JobEnabled, events.Enabled)
	var first jet.PausedRun
	err = l.bus.PausedRuns(t.Context(), "default", "job-1", func(p jet.PausedRun) bool { first = p; return false })
	if err == nil {
		err = l.bus.ResumeRun(t.Context(), "default", first) // an older one is only dropped
	}
	if queued, qerr := l.bus.Count(t.Context(), events.StreamRuns, events.AllRunQueue); err != nil || qerr != nil || queued > 0 {
		t.Fatalf("%d queued, %v %v", queued, err, qerr)
	}
	l.background(l.runner(nil).Run)
	l.until(events.Ended, id)
	l.drained()
	l.unpaused()
	if ran := l.lines("in/ran"); len(ran) != 1 {
		t.Errorf("ran %v", ran)
	}
}

// The run of a file that is marked as run while it is paused ends when its job goes on.
func TestPausedRunIsMarked(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `: > "$2/ran"`)
	l.watchedJob(events.Enabled)
	r := l.runner(nil)
	url := l.serve(r).URL
	l.write("in/a", "alpha", 0o644)
	a, stage := l.callFor(url, "a", "")
	l.watchedJob(events.Disabled)
	l.background(r.Run)
	l.isPaused(a.Data.JobID)
	fingerprint := strings.Split(stage, "/")[2]
	marked, err := l.bus.MarkFiles(t.Context(), "J\u00fcrgen M", []jet.SeenFile{{JobID: "job-1", Path: "a", Fingerprint: fingerprint}}, "ann", true)
	if err != nil || !marked[0] {
		t.Fatal(marked, err)
	}
	l.watchedJob(events.Enabled)
	if ended := l.until(events.Ended, a.Data.JobID); ended.Message != "cancelled by ann: the file was marked as run" || !ended.Cancelled() {
		t.Errorf("ended %+v", ended)
	}
	l.drained()
	l.unpaused()
	if l.exists("out/ran") {
		t.Error("it was started")
	}
}
