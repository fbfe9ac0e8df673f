package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
)

// why asks why.
func (s *harness) why(id, query string) why.Answer {
	s.t.Helper()
	return into[why.Answer](s.t, s.native(http.MethodGet, "jobs/"+id+"/why?"+query, s.admin, ""), http.StatusOK)
}

func (s *harness) because(id, query string, code why.Code, want string) {
	s.t.Helper()
	if got := s.why(id, query); got.Sentence != want || got.Code != code {
		s.t.Errorf("%s: %s\n got %s\nwant %s", query, got.Code, got.Sentence, want)
	}
}

// since makes a job as if it had been like that for a while.
func (s *harness) since(id string, edit func(*events.JobEvent)) (seq uint64) {
	s.t.Helper()
	rev, err := s.bus.Job(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	ev := rev.Event
	ev.Event = events.JobUpdated
	edit(&ev)
	if seq, err = s.bus.PutJob(s.t.Context(), ev, rev.Seq); err != nil {
		s.t.Fatal(err)
	}
	return seq
}

// near names a time beside another, as sentences do.
func near(t, other time.Time) string {
	if t.UTC().YearDay() == other.UTC().YearDay() {
		return t.UTC().Format("15:04")
	}
	return t.UTC().Format("Mon 15:04")
}

// Each verdict is told in its sentence, out of what the streams hold.
func TestWhyOfSlots(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{schedule: `"* * * * *"`}.String())
	now := time.Now().UTC().Truncate(time.Minute)
	minute := events.MinuteOf(now)
	at := func(back events.Minute) time.Time { return now.Add(-time.Duration(back) * time.Minute) }
	s.since(j.ID, func(ev *events.JobEvent) { ev.Job.EffectiveFrom = at(200) })
	if err := s.bus.JobEvents(j.ID).Keep(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	seq := s.since(j.ID, func(ev *events.JobEvent) {
		ev.Job.EffectiveFrom, ev.By, ev.At = at(120), "ann", at(120)
		ev.Job.Parameters = []byte(body{schedule: `"*/1 * * * *"`, extra: `,"spool":{"catch_up":"none"}`}.String())
	})
	cron := func(back events.Minute, late time.Duration, run string) events.Result {
		return events.Result{
			TriggerID: events.CronTriggerID(j.ID, minute-back), JobID: j.ID, Kind: events.KindCron, Minute: minute - back, Attempts: 1,
			TriggeredAt: at(back).Add(late), StartedAt: at(back).Add(late), EndedNS: at(back).Add(late).UnixNano(), Status: events.OK, FlowJobID: run, Outcome: events.OutcomeWaiting,
		}
	}
	ended := func(run string, back events.Minute, took time.Duration, exit int) {
		ev := events.RunEvent{Phase: events.Ended, JobID: j.ID, FlowJobID: run, Attempt: 1, StartedAt: at(back), At: at(back).Add(took), Status: events.OK, OutputFolder: "a/r/fs/D/out", ExitStatus: &exit}
		if exit != 0 {
			ev.Status, ev.Message = events.ERROR, fmt.Sprintf("exit status %d", exit)
		}
		ev.Judge()
		if err := s.bus.PutRunEvent(t.Context(), ev, 0); err != nil {
			t.Fatal(err)
		}
	}
	late := cron(20, 12*time.Minute, "r20")
	late.Down = &events.Downtime{From: at(22), To: at(8)}
	s.keep(cron(30, 400*time.Millisecond, "r30"), cron(29, 400*time.Millisecond, "r29"), late, cron(60, time.Second, "r60"))
	ended("r30", 30, 4*time.Minute, 0)
	ended("r29", 29, 31*time.Minute, 3)
	ended("r20", 8, time.Minute, 0)
	ended("r60", 60, 25*time.Minute, 0)
	for _, v := range []events.Verdict{
		{From: minute - 70, To: minute - 69, Verdict: events.VerdictSuperseded, Reason: events.WhyNewerRan, Ran: minute - 68},
		{From: minute - 50, To: minute - 50, Verdict: events.VerdictSkipped, Reason: events.WhyOverlap, TriggerID: events.CronTriggerID(j.ID, minute-50), Blocker: events.CronTriggerID(j.ID, minute-60)},
		{From: minute - 80, To: minute - 78, Verdict: events.VerdictMissed, Reason: events.WhyNotRunning, Down: &events.Downtime{From: at(81), To: at(77)}},
		{From: minute - 90, To: minute - 90, Verdict: events.VerdictMissed, Reason: events.WhyTooOld},
		{From: minute - 130, To: minute - 121, Verdict: events.VerdictMissed, Reason: events.WhyEdited},
		{From: minute - 100, To: minute - 100, Verdict: events.VerdictShadow},
	} {
		v.JobID, v.At = j.ID, now
		if err := s.bus.CopyVerdict(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	queued := events.Trigger{ID: events.CronTriggerID(j.ID, minute-3), JobID: j.ID, Kind: events.KindCron, Minute: minute - 3, At: now}
	if _, err := s.bus.CommitPass(t.Context(), events.Clock{From: minute - 3, Minute: minute - 2, JobsSeq: seq}, 0, events.Answers{Fired: []events.Trigger{queued}}); err != nil {
		t.Fatal(err)
	}
	next := now.Add(10 * time.Second)
	if err := s.bus.PutRetryState(t.Context(), events.RetryState{
		JobID: j.ID, TriggerID: queued.ID, Attempt: 4, LastError: "connection refused", Next: next, Waiting: 1,
		Triggers: []events.RetryTrigger{{TriggerID: queued.ID, Attempt: 4, LastError: "connection refused", Next: next}},
	}); err != nil {
		t.Fatal(err)
	}
	ask := func(back events.Minute, code why.Code, want string) {
		t.Helper()
		s.because(j.ID, "at="+url.QueryEscape(at(back).Format(time.RFC3339)), code, want)
	}
	ask(30, "fired", "Started on time, 0.4 s after its minute; ok after 4 min.")
	ask(29, "fired", "Started on time, 0.4 s after its minute; failed after 31 min: exit status 3.")
	ask(20, "caught_up", fmt.Sprintf("Started 12 min late, at %s: Spool was not running from %s to %s.", near(at(8), at(20)), near(at(22), at(20)), near(at(8), at(20))))
	ask(70, "superseded", "Not run on its own: 3 slots were missed together, only the newest, "+at(68).Format("Mon 15:04")+", ran (catch_up: latest).")
	ask(50, "skipped", "Skipped: the run of "+near(at(60), at(50))+" had not ended (it took 25 min) and overlap is skip.")
	ask(79, "missed_not_running", fmt.Sprintf("Missed: Spool was not running then (%s to %s), and catch_up is none.", near(at(81), at(79)), near(at(77), at(79))))
	ask(90, "missed_too_old", "Missed: Spool was not running then, and slots older than 24 h are not caught up.")
	ask(125, "missed_edited", "Missed: the job had another schedule until ann changed it at "+near(at(120), at(125))+".")
	ask(100, "shadow", "Due at "+at(100).Format("15:04")+"; shadowed: until it is enabled the job shows when it would run, and runs nothing.")
	ask(0, "pending", "Due, not started yet: the clock has answered up to "+near(at(2), at(0))+".")
	ask(40, "not_kept", "Due then; what became of it is not kept.") // the change was stored later: a pass may have gone by
	ask(500, "not_kept", "Not kept: Spool knows this job since "+at(199).Format("2 Jan")+".")
	got := s.why(j.ID, "at="+url.QueryEscape(at(3).Format(time.RFC3339)))
	if want := "Due at " + at(3).Format("15:04") + ", not delivered: connection refused, 4 calls, next at " + next.Format("15:04:05") + ", given up "; len(got.Sentence) < len(want) || got.Sentence[:len(want)] != want || got.Code != "queued" {
		t.Errorf("%s: %s", got.Code, got.Sentence)
	}
	s.because(j.ID, "trigger_id="+url.QueryEscape(events.CronTriggerID(j.ID, minute-29)), "failed", "Started on time, 0.4 s after its minute; failed after 31 min: exit status 3.")
	s.because(j.ID, "", "retrying", "Not delivered: connection refused, 4 calls, next at "+next.Format("15:04:05")+". 1 trigger of the job waits.")
	wantFault(t, s.native(http.MethodGet, "jobs/"+j.ID+"/why?file=a&trigger_id=b", s.admin, ""), http.StatusBadRequest, "at")
	wantFault(t, s.native(http.MethodGet, "jobs/"+j.ID+"/why?trigger_id=manual:x:y", s.admin, ""), http.StatusNotFound, "trigger_id")
	wantFault(t, s.native(http.MethodGet, "jobs/"+j.ID+"/why", s.user("bob", events.Operator), ""), http.StatusNotFound, "")
	s.native(http.MethodPost, "jobs/"+j.ID+"/disable", s.admin, `{"reason":"move of the NAS"}`)
	disabled := s.why(j.ID, "")
	if want := "Disabled by admin on " + disabled.Facts.At.Format("2 Jan 15:04") + ": move of the NAS."; disabled.Sentence[:min(len(want), len(disabled.Sentence))] != want || disabled.Code != "disabled" {
		t.Errorf("%s: %s", disabled.Code, disabled.Sentence)
	}
	ask(-2, "disabled", "Disabled by admin on "+disabled.Facts.At.Format("2 Jan 15:04")+": move of the NAS.")
}

// What a change of clocks did, and what is no slot, is told in words.
func TestWhyOfClocks(t *testing.T) {
	s := newHarness(t)
	nightly, _ := s.made(s.admin, body{schedule: `"30 2 * * *"`, extra: `,"spool":{"timezone":"Europe/Paris"}`}.String())
	seq := s.since(nightly.ID, func(ev *events.JobEvent) {
		ev.Job.EffectiveFrom = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	})
	if err := s.bus.JobEvents(nightly.ID).Keep(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.bus.CommitPass(t.Context(), events.Clock{From: events.MinuteOf(time.Now()) - 1, Minute: events.MinuteOf(time.Now()), JobsSeq: seq}, 0, events.Answers{}); err != nil {
		t.Fatal(err)
	}
	year := "2 Jan"
	if time.Now().Year() != 2026 {
		year = "2 Jan 2006"
	}
	gap, fold := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC).Format(year), time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC).Format(year)
	for at, want := range map[string]string{
		"2026-03-29T01:30:00Z": "02:30 did not exist on " + gap + "; it ran once at 03:00.",
		"2026-03-29T01:00:00Z": "Started; what became of it is not kept. 02:30 did not exist on " + gap + "; it ran once at 03:00.",
		"2026-10-25T01:30:00Z": "02:30 came twice on " + fold + "; it ran the first time.",
		"2026-10-25T00:30:00Z": "Started; what became of it is not kept. 02:30 came twice on " + fold + "; it ran the first time.",
		"2026-03-20T11:00:00Z": "No slot then. The nearest are Fri 02:30 and Sat 02:30.",
		"2026-01-20T11:00:00Z": "Not kept: Spool knows this job since " + time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC).Format(year) + ".",
	} {
		if got := s.why(nightly.ID, "at="+at); got.Sentence != want {
			t.Errorf("%s: %s\n got %s\nwant %s", at, got.Code, got.Sentence, want)
		}
	}
	page := into[struct {
		Slots []struct{ Verdict, Mark string }
	}](t, s.native(http.MethodGet, "jobs/"+nightly.ID+"/slots?from=2026-03-28T12:00:00Z&to=2026-03-29T12:00:00Z&verdict=fired", s.admin, ""), http.StatusOK)
	if len(page.Slots) != 1 || page.Slots[0].Mark != "dst_gap" {
		t.Errorf("fired: %+v", page)
	}
}

// A job that has not run says what it waits for.
func TestWhyNeverRan(t *testing.T) {
	s := newHarness(t)
	nightly, _ := s.made(s.admin, body{schedule: `"30 2 * * *"`}.String())
	if got := s.why(nightly.ID, ""); got.Code != "next" || got.Sentence[:len("Never ran: its first slot is ")] != "Never ran: its first slot is " {
		t.Errorf("%+v", got)
	}
	a := newArchive(t)
	a.because(a.job.ID, "", "folder_absent", "Never ran: no watcher says anything of its folder.")
	a.say([]events.WatchState{{JobID: a.job.ID, State: events.FolderAbsent, HostPath: "/srv/in", Since: time.Now()}}, nil)
	a.because(a.job.ID, "", "folder_absent", "/srv/in does not exist; looked every 5 s.")
	a.because(a.job.ID, "at="+url.QueryEscape(time.Now().Format(time.RFC3339)), "none", "No slot then: the job watches a folder.")
}
