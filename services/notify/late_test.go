package notify

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/schedule"
)

// observing is an observer whose checks the test makes, at times of its own.
func (h *harness) observing(zone *time.Location) *observer {
	h.Helper()
	h.cfg.Zone = zone
	o := newObserver(h.cfg.withDefaults(), nil)
	h.follow(o)
	return o
}

// state gives a job's state in a respect.
func (h *harness) state(job, about string) string {
	h.Helper()
	n, _, err := h.bus.Condition(h.Context(), job, about)
	if err != nil {
		h.Fatal(err)
	}
	return string(n.State)
}

func (h *harness) looks(o *observer, now time.Time, job, about, want string) {
	h.Helper()
	o.check(h.Context(), now)
	if got := h.state(job, about); got != want {
		h.Errorf("at %s %s is %q about its %s; want %q", now.Format("15:04:05"), job, got, about, want)
	}
}

// A slot is late while its run has not started, whatever it waits for.
func TestLateSlot(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	o := h.observing(nil)
	h.asking("j1", `{"late_after":"3m","notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, "", 0)
	slot := time.Now().Truncate(10 * time.Minute)
	minute := events.MinuteOf(slot)
	h.looks(o, slot.Add(2*time.Minute), "j1", events.AboutStart, "late") // the slot before never came
	h.result("j1", minute-10, events.OK, "run-before")
	h.looks(o, slot.Add(2*time.Minute), "j1", events.AboutStart, "late") // accepted, not started
	h.phase(events.Accepted, "j1", "run-before")
	h.looks(o, slot.Add(2*time.Minute), "j1", events.AboutStart, "late")
	h.phase(events.Started, "j1", "run-before")
	h.looks(o, slot.Add(2*time.Minute+time.Second), "j1", events.AboutStart, "recovered")
	h.looks(o, slot.Add(3*time.Minute), "j1", events.AboutStart, "late")
	n, _, err := h.bus.Condition(t.Context(), "j1", events.AboutStart)
	if err != nil || !n.Slot.Equal(slot) || !strings.Contains(n.Message, "has not started 3m0s after it") {
		t.Errorf("%+v, %v", n, err)
	}
	if err := h.bus.CopyVerdict(t.Context(), events.Verdict{JobID: "j1", From: minute - 1, To: minute, Verdict: events.VerdictSkipped, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	h.looks(o, slot.Add(4*time.Minute), "j1", events.AboutStart, "recovered")
}

// phase stores one phase of a run.
func (h *harness) phase(p events.Phase, job, flow string) {
	h.Helper()
	if err := h.bus.PutRunEvent(h.Context(), events.RunEvent{Phase: p, At: time.Now(), JobID: job, FlowJobID: flow, Attempt: 1}, 0); err != nil {
		h.Fatal(err)
	}
}

// A disabled job is late for nothing.
func TestDisabledIsNotLate(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	o := h.observing(nil)
	seq := h.asking("j1", `{"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, "", 0)
	h.looks(o, time.Now(), "j1", events.AboutStart, "late")
	rev, err := h.bus.Job(t.Context(), "j1")
	if err != nil {
		t.Fatal(err)
	}
	job := rev.Event.Job
	job.Status = events.Disabled
	if _, err := h.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobDisabled, Job: job}, seq); err != nil {
		t.Fatal(err)
	}
	h.looks(o, time.Now(), "j1", events.AboutStart, "")
}

const folder = `{"spooled_mode":true}`

// came enters a file into the ledger.
func (h *harness) came(job, name string) {
	h.Helper()
	f := events.NewFile(name)
	f.Fingerprint = events.Hash(name)
	if _, err := h.bus.CommitFiles(h.Context(), []events.Trigger{{ID: events.FileTriggerID(job, f.Fingerprint), JobID: job, Kind: events.KindFile, File: f}}); err != nil {
		h.Fatal(err)
	}
}

func TestExpectedFiles(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	eventstest.AwayFromTheMinute()
	now := time.Now().UTC()
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, time.UTC)
	zone := time.FixedZone("noon", int(noon.Sub(now)/time.Second)) // where no day is about to begin
	now = now.In(zone)
	o := h.observing(zone)
	by := now.Add(-2 * time.Minute).Truncate(time.Minute)
	expect := fmt.Sprintf(`{"expect":{"by":"%s","files":2},"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, by.Format("15:04"))
	h.asking("late", expect, folder, 0)
	h.came("late", "one")
	h.looks(o, now, "late", events.AboutStart, "late")
	n, _, err := h.bus.Condition(t.Context(), "late", events.AboutStart)
	if err != nil || !n.Slot.Equal(by) || !strings.HasPrefix(n.Message, "0 of 2 files had come into a/b/fs/D/in by "+by.Format("2006-01-02 15:04")) {
		t.Errorf("%+v, %v", n, err) // that of now came after it
	}
	h.came("late", "two")
	h.looks(o, time.Now().Add(time.Second), "late", events.AboutStart, "recovered")

	by = now.Truncate(time.Minute)
	expect = fmt.Sprintf(`{"expect":{"by":"%s"},"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, by.Format("15:04"))
	h.asking("intime", expect, folder, 0)
	h.came("intime", "one")
	h.looks(o, by.Add(30*time.Second), "intime", events.AboutStart, "late") // yesterday's, as nothing came then
	h.looks(o, by.Add(2*time.Minute), "intime", events.AboutStart, "recovered")
}

// Deadlines in time of another zone, across a change of clocks and a weekend.
func TestDeadlines(t *testing.T) {
	paris, err := schedule.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	e := events.Expect{By: "10:00", Days: "mon-fri", Files: 1}
	d, err := e.Deadlines(paris)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ now, want string }{
		{"2026-03-27T09:00:00Z", "2026-03-27T09:00:00Z"}, // Friday, winter
		{"2026-03-27T08:59:00Z", "2026-03-26T09:00:00Z"},
		{"2026-03-29T12:00:00Z", ""},                     // Sunday: none within a day
		{"2026-03-30T08:00:00Z", "2026-03-30T08:00:00Z"}, // Monday, summer
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		got := ""
		if last := due(d, time.Time{}, now); !last.IsZero() {
			got = last.UTC().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("at %s it is %q; want %q", c.now, got, c.want)
		}
	}
	if last := due(d, time.Date(2026, 3, 27, 9, 0, 0, 0, time.UTC), time.Date(2026, 3, 27, 10, 0, 0, 0, time.UTC)); !last.IsZero() {
		t.Errorf("a deadline before the job was what it is: %s", last)
	}
}

func TestFolderState(t *testing.T) {
	now := time.Now()
	w := &watched{Job: events.Job{EffectiveFrom: now.Add(-time.Hour)}, p: &events.Plan{Parameters: &events.Parameters{}}}
	for _, c := range []struct {
		name     string
		state    events.WatchState
		reported bool
		up       time.Duration
		want     events.Condition
	}{
		{"live", events.WatchState{State: "live"}, true, 0, events.Recovered},
		{"absent for a moment", events.WatchState{State: "absent", Since: now.Add(-time.Second)}, true, 0, ""},
		{"absent", events.WatchState{State: "absent", Since: now.Add(-2 * time.Minute)}, true, 0, events.Blocked},
		{"blocked", events.WatchState{State: "blocked", Since: now.Add(-2 * time.Minute)}, true, 0, events.Blocked},
		{"nobody reports, and Spool has just started", events.WatchState{}, false, time.Minute, ""},
		{"nobody reports", events.WatchState{}, false, time.Hour, events.Blocked},
	} {
		if got := folderState(w, c.state, c.reported, now, now.Add(-c.up)); got.State != c.want {
			t.Errorf("%s: %q; want %q", c.name, got.State, c.want)
		}
	}
}

// What the watcher reports, in its own stream, leads to notifications.
func TestBlockedAndHeld(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	o := h.observing(nil)
	h.asking("j1", `{"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, folder, 0)
	report := func(s events.WatchState) {
		s.JobID = "j1"
		if err := h.bus.PutFolderStates(t.Context(), []events.WatchState{s}, nil); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	report(events.WatchState{State: "blocked", Since: now.Add(-time.Hour), Reason: "the mount hangs", Held: 2, Ring: "j1 -> j2 -> j1"})
	h.looks(o, now, "j1", events.AboutFolder, "blocked")
	h.looks(o, now, "j1", events.AboutHold, "held")
	report(events.WatchState{State: "live", Since: now})
	h.looks(o, now.Add(time.Minute), "j1", events.AboutFolder, "recovered")
	h.looks(o, now.Add(time.Minute), "j1", events.AboutHold, "recovered")
}

// A job that missed a slot is unwell until a later one runs.
func TestMissed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.start()
	h.asking("j1", notifying(url, neverLate), "", 0)
	minute := events.MinuteOf(time.Now())
	for range 2 {
		minute++
		if err := h.bus.CopyVerdict(t.Context(), events.Verdict{JobID: "j1", From: minute - 30, To: minute, Verdict: events.VerdictMissed, Reason: "not running", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.next(calls).payload(t); got["state"] != "missed" || !strings.Contains(got["message"].(string), "not running") {
		t.Errorf("notified of %v", got)
	}
	h.observed()
	h.result("j1", minute-5, events.OK, "f0") // an older one
	h.observed()
	h.result("j1", minute+10, events.OK, "f1")
	if got := h.next(calls).payload(t); got["state"] != "recovered" || got["before"] != "missed" {
		t.Errorf("notified of %v", got)
	}
	h.observed()
	if more := posted(t, calls); len(more) > 0 {
		t.Errorf("more: %v", more)
	}
}

// There is a notification of a run that goes on for too long while it goes on, and of its end.
func TestTooLong(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	url, calls := h.receiver(status(200))
	h.start()
	h.asking("j1", notifying(url, neverLate+`,"too_long_after":"300ms"`), "", 0)
	h.asking("j2", notifying(url, neverLate+`,"too_long_after":"1h"`), "", 0)
	h.phase(events.Started, "j2", "short")
	h.phase(events.Started, "j1", "long")
	if got := h.next(calls).payload(t); got["state"] != "too_long" || got["flow_job_id"] != "long" || !strings.Contains(got["message"].(string), "longer than 300ms") {
		t.Errorf("notified of %v", got)
	}
	now := time.Now()
	if err := h.bus.PutRunEvent(t.Context(), events.RunEvent{Phase: events.Ended, At: now, StartedAt: now.Add(-time.Second), JobID: "j1", FlowJobID: "long", Attempt: 1, Status: events.OK}, 0); err != nil {
		t.Fatal(err)
	}
	if got := h.next(calls).payload(t); got["state"] != "recovered" || got["before"] != "too_long" {
		t.Errorf("notified of %v", got)
	}
	if more := posted(t, calls); len(more) > 0 {
		t.Errorf("more: %v", more)
	}
}

// The checks are made at every whole minute.
func TestChecksAreMinutely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute+time.Second)
		defer cancel()
		var at []time.Time
		_ = everyMinute(ctx, func() { at = append(at, time.Now()) })
		if len(at) != 3 || at[0].Second() != 0 || at[2].Sub(at[1]) != time.Minute {
			t.Errorf("came at %v", at)
		}
	})
}

// A job that failures in a row have disabled is held, with the reason, until somebody
// enables it; what a person disables is not.
func TestHeldJob(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	o := h.observing(nil)
	seq := h.asking("j1", `{"hold_after":2,"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, "", 0)
	rev, err := h.bus.Job(t.Context(), "j1")
	if err != nil {
		t.Fatal(err)
	}
	job := rev.Event.Job
	now := time.Now()
	for _, c := range []struct {
		change   events.Change
		status   events.JobStatus
		disabled *events.Disabling
		want     string
	}{
		{events.JobDisabled, events.Disabled, &events.Disabling{By: "ann"}, ""},
		{events.JobEnabled, events.Enabled, nil, ""},
		{events.JobDisabled, events.Disabled, &events.Disabling{By: events.HoldAfter, Reason: "2 failures in a row"}, "held"},
		{events.JobEnabled, events.Enabled, nil, "recovered"},
	} {
		job.Status, job.Disabled = c.status, c.disabled
		if seq, err = h.bus.PutJob(t.Context(), events.JobEvent{Event: c.change, Job: job}, seq); err != nil {
			t.Fatal(err)
		}
		if err := o.feed.Wait(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		h.looks(o, now, "j1", events.AboutHold, c.want)
	}
}
