package notify

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/schedule"
)

// observing is an observer whose duty the test does, at the times that it says.
func (r *rig) observing(zone *time.Location) *observer {
	r.Helper()
	r.cfg.Zone = zone
	o := newObserver(r.cfg)
	r.follow(o)
	return o
}

// state gives a job's state in a respect.
func (r *rig) state(job, about string) string {
	r.Helper()
	n, _, err := r.bus.Condition(r.Context(), job, about)
	if err != nil {
		r.Fatal(err)
	}
	return string(n.State)
}

func (r *rig) looks(o *observer, now time.Time, job, about, want string) {
	r.Helper()
	o.look(r.Context(), now)
	if got := r.state(job, about); got != want {
		r.Errorf("at %s %s is %q about its %s; want %q", now.Format("15:04:05"), job, got, about, want)
	}
}

// A slot is late while its run has not started, whatever it waits for.
func TestLateSlot(t *testing.T) {
	r := newRig(t)
	o := r.observing(nil)
	r.asking("j1", `{"late_after":"3m","notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, "", 0)
	slot := time.Now().Truncate(10 * time.Minute)
	minute := slot.Unix() / 60
	r.looks(o, slot.Add(2*time.Minute), "j1", events.AboutStart, "late") // the slot before never came
	r.result("j1", minute-10, events.OK, "run-before")
	r.looks(o, slot.Add(2*time.Minute), "j1", events.AboutStart, "late") // accepted, not started
	r.phase(events.Accepted, "j1", "run-before")
	r.looks(o, slot.Add(2*time.Minute), "j1", events.AboutStart, "late")
	r.phase(events.Started, "j1", "run-before")
	r.looks(o, slot.Add(2*time.Minute+time.Second), "j1", events.AboutStart, "recovered")
	r.looks(o, slot.Add(3*time.Minute), "j1", events.AboutStart, "late")
	n, _, err := r.bus.Condition(t.Context(), "j1", events.AboutStart)
	if err != nil || !n.Slot.Equal(slot) || !strings.Contains(n.Message, "has not started 3m0s after it") {
		t.Errorf("%+v, %v", n, err)
	}
	if err := r.bus.CopyVerdict(t.Context(), events.Verdict{JobID: "j1", From: minute - 1, To: minute, Verdict: events.VerdictSkipped, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	r.looks(o, slot.Add(4*time.Minute), "j1", events.AboutStart, "recovered")
}

// phase stores one phase of a run.
func (r *rig) phase(p events.Phase, job, flow string) {
	r.Helper()
	if err := r.bus.PutRunEvent(r.Context(), events.RunEvent{Phase: p, At: time.Now(), JobID: job, FlowJobID: flow, Attempt: 1}, 0); err != nil {
		r.Fatal(err)
	}
}

// A disabled job is late for nothing.
func TestDisabledIsNotLate(t *testing.T) {
	r := newRig(t)
	o := r.observing(nil)
	seq := r.asking("j1", `{"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, "", 0)
	r.looks(o, time.Now(), "j1", events.AboutStart, "late")
	rev, err := r.bus.Job(t.Context(), "j1")
	if err != nil {
		t.Fatal(err)
	}
	job := rev.Event.Job
	job.Status = events.Disabled
	if _, err := r.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobDisabled, Job: job}, seq); err != nil {
		t.Fatal(err)
	}
	r.looks(o, time.Now(), "j1", events.AboutStart, "")
}

const folder = `{"spooled_mode":true}`

// came enters a file into the ledger.
func (r *rig) came(job, name string) {
	r.Helper()
	f := events.NewFile(name)
	f.Fingerprint = events.Hash(name)
	if _, err := r.bus.CommitFiles(r.Context(), []events.Trigger{{ID: events.FileTriggerID(job, f.Fingerprint), JobID: job, Kind: events.KindFile, File: f}}); err != nil {
		r.Fatal(err)
	}
}

func TestExpectedFiles(t *testing.T) {
	r := newRig(t)
	now := time.Now().UTC()
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, time.UTC)
	zone := time.FixedZone("noon", int(noon.Sub(now)/time.Second)) // where no day is about to begin
	now = now.In(zone)
	o := r.observing(zone)
	by := now.Add(-2 * time.Minute).Truncate(time.Minute)
	expect := fmt.Sprintf(`{"expect":{"by":"%s","files":2},"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, by.Format("15:04"))
	r.asking("late", expect, folder, 0)
	r.came("late", "one")
	r.looks(o, now, "late", events.AboutStart, "late")
	n, _, err := r.bus.Condition(t.Context(), "late", events.AboutStart)
	if err != nil || !n.Slot.Equal(by) || !strings.HasPrefix(n.Message, "0 of 2 files had come into a/b/fs/D/in by "+by.Format("2006-01-02 15:04")) {
		t.Errorf("%+v, %v", n, err) // that of now came after it
	}
	r.came("late", "two")
	r.looks(o, time.Now().Add(time.Second), "late", events.AboutStart, "recovered")

	by = now.Truncate(time.Minute)
	expect = fmt.Sprintf(`{"expect":{"by":"%s"},"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, by.Format("15:04"))
	r.asking("intime", expect, folder, 0)
	r.came("intime", "one")
	r.looks(o, by.Add(30*time.Second), "intime", events.AboutStart, "late") // yesterday's, as nothing came then
	r.looks(o, by.Add(2*time.Minute), "intime", events.AboutStart, "recovered")
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
	w := &watched{Job: events.Job{EffectiveFrom: now.Add(-time.Hour)}, p: &events.Parameters{}}
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

// What the watcher reports is told, through the stream that it reports in.
func TestBlockedAndHeld(t *testing.T) {
	r := newRig(t)
	o := r.observing(nil)
	r.asking("j1", `{"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, folder, 0)
	report := func(s events.WatchState) {
		s.JobID = "j1"
		if _, err := r.bus.Commit(t.Context(), events.StreamState, jet.Message{Subject: events.StateSubject("watch", "j1"), Data: events.Encode(s)}); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	report(events.WatchState{State: "blocked", Since: now.Add(-time.Hour), Reason: "the mount hangs", Held: 2, Ring: "j1 -> j2 -> j1"})
	r.looks(o, now, "j1", events.AboutFolder, "blocked")
	r.looks(o, now, "j1", events.AboutHold, "held")
	report(events.WatchState{State: "live", Since: now})
	r.looks(o, now.Add(time.Minute), "j1", events.AboutFolder, "recovered")
	r.looks(o, now.Add(time.Minute), "j1", events.AboutHold, "recovered")
}

// A missed slot is told until a later one runs.
func TestMissed(t *testing.T) {
	r := newRig(t)
	url, calls := r.receiver(status(200))
	r.start()
	r.asking("j1", notifying(url, ""), "", 0)
	minute := time.Now().Unix() / 60
	for range 2 {
		minute++
		if err := r.bus.CopyVerdict(t.Context(), events.Verdict{JobID: "j1", From: minute - 30, To: minute, Verdict: events.VerdictMissed, Reason: "not running", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.next(calls).payload(t); got["state"] != "missed" || !strings.Contains(got["message"].(string), "not running") {
		t.Errorf("told %v", got)
	}
	r.observed()
	r.result("j1", minute-5, events.OK, "f0") // an older one
	r.observed()
	r.result("j1", minute+10, events.OK, "f1")
	if got := r.next(calls).payload(t); got["state"] != "recovered" || got["before"] != "missed" {
		t.Errorf("told %v", got)
	}
	r.observed()
	if more := said(t, calls); len(more) > 0 {
		t.Errorf("more: %v", more)
	}
}

// A run that goes on for too long is told while it goes on, and its end too.
func TestTooLong(t *testing.T) {
	r := newRig(t)
	url, calls := r.receiver(status(200))
	r.start()
	r.asking("j1", notifying(url, `,"too_long_after":"300ms"`), "", 0)
	r.asking("j2", notifying(url, `,"too_long_after":"1h"`), "", 0)
	r.phase(events.Started, "j2", "short")
	r.phase(events.Started, "j1", "long")
	if got := r.next(calls).payload(t); got["state"] != "too_long" || got["flow_job_id"] != "long" || !strings.Contains(got["message"].(string), "longer than 300ms") {
		t.Errorf("told %v", got)
	}
	now := time.Now()
	if err := r.bus.PutRunEvent(t.Context(), events.RunEvent{Phase: events.Ended, At: now, StartedAt: now.Add(-time.Second), JobID: "j1", FlowJobID: "long", Attempt: 1, Status: events.OK}, 0); err != nil {
		t.Fatal(err)
	}
	if got := r.next(calls).payload(t); got["state"] != "recovered" || got["before"] != "too_long" {
		t.Errorf("told %v", got)
	}
	if more := said(t, calls); len(more) > 0 {
		t.Errorf("more: %v", more)
	}
}

// The duty comes at every whole minute.
func TestDutyIsMinutely(t *testing.T) {
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
	r := newRig(t)
	o := r.observing(nil)
	seq := r.asking("j1", `{"hold_after":2,"notify":{"to":{"webhook":"http://127.0.0.1:9/"}}}`, "", 0)
	rev, err := r.bus.Job(t.Context(), "j1")
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
		if seq, err = r.bus.PutJob(t.Context(), events.JobEvent{Event: c.change, Job: job}, seq); err != nil {
			t.Fatal(err)
		}
		if err := o.feed.Wait(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		r.looks(o, now, "j1", events.AboutHold, c.want)
	}
}
