package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/why"
)

// way is a version of a file, and how it came to be that.
type way struct {
	FirstSeen time.Time `json:"first_seen"`
	Complete  *struct {
		At  time.Time
		How string
	}
	Calls []struct {
		Attempt int
		Answer  string
	}
	Timeline []why.Step
	Why      struct{ Code, Text string }
}

// A file that ran tells its way, with the calls that failed; also after it is gone.
func TestWayOfAFile(t *testing.T) {
	a := newArchive(t)
	if err := os.MkdirAll(filepath.Join(a.dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	clock := func(seconds int) time.Time { return day.Add(time.Duration(seconds) * time.Second) }
	f := events.NewFile("a.csv")
	f.Fingerprint, f.FirstSeen, f.Complete, f.Came, f.QuietMS = "f1", clock(1), clock(3), events.CameLease, 2000
	tr := events.Trigger{ID: events.FileTriggerID(a.job.ID, "f1"), JobID: a.job.ID, Kind: events.KindFile, File: f}
	if _, err := a.bus.CommitFiles(t.Context(), []events.Trigger{tr}); err != nil {
		t.Fatal(err)
	}
	waits := into[struct{ Files []way }](t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files?path=a.csv", a.admin, ""), http.StatusOK)
	if w := waits.Files[0]; w.Why.Code != "queued" || w.Why.Text != "Queued 1st: it waits for its call, or is being called." || !w.FirstSeen.Equal(clock(1)) || w.Complete == nil || w.Complete.How != "lease" {
		t.Errorf("queued: %+v", w)
	}
	a.keep(events.Result{
		TriggerID: tr.ID, JobID: a.job.ID, Kind: events.KindFile, File: f, Status: events.OK, Outcome: events.OutcomeWaiting, Attempts: 2, FlowJobID: "run",
		TriggeredAt: clock(3), StartedAt: clock(4), EndedNS: clock(4).UnixNano(), HTTP: events.HTTPResult{Status: "200"},
		Calls: []events.Call{{Attempt: 1, At: clock(3), Answer: "HTTP 503: busy", Next: clock(4)}},
	})
	ev := events.RunEvent{Phase: events.Ended, JobID: a.job.ID, FlowJobID: "run", Attempt: 1, StartedAt: clock(4), At: clock(70), Status: events.OK, OutputCount: new(3), OutputFolder: "a/r/fs/D/out"}
	ev.Judge()
	if err := a.bus.PutRunEvent(t.Context(), ev, 0); err != nil {
		t.Fatal(err)
	}
	if err := a.bus.File(a.job.ID, "f1").Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	ran := into[struct{ Files []way }](t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files?path=a.csv", a.admin, ""), http.StatusOK).Files[0]
	want := "seen 00:00:01 ─ complete 00:00:03 (quiet 2 s, lease granted) ─ queued "
	line := why.Line(ran.Timeline)
	if !strings.HasPrefix(line, want) || !strings.HasSuffix(line, " ─ called 00:00:04 (2nd try) ─ run 00:00:04–00:01:10 ─ ok, 3 files") {
		t.Errorf("timeline: %s", line)
	}
	if len(ran.Calls) != 2 || ran.Calls[0].Answer != "HTTP 503: busy" || ran.Calls[1].Answer != "HTTP 200" || ran.Calls[1].Attempt != 2 || ran.Why.Code != "ok" {
		t.Errorf("%+v", ran)
	}
	for _, query := range []string{"file=a.csv", "trigger_id=" + url.QueryEscape(tr.ID)} {
		if got := a.why(a.job.ID, query); got.Code != "ok" || !strings.HasSuffix(got.Sentence, "; ok after 1 min, 3 files.") || why.Line(got.Facts.Timeline) != line {
			t.Errorf("%s: %s: %s", query, got.Code, got.Sentence)
		}
	}
	a.because(a.job.ID, "file=none", "never_seen", "Spool has not seen this name.")
}

// What waits and what was called is listed without a path: by state and prefix, and in pages.
func TestListFiles(t *testing.T) {
	a := newArchive(t)
	now := time.Now().UTC()
	a.say([]events.WatchState{{JobID: a.job.ID, State: events.FolderLive, HostPath: "/srv/in", Since: now, LastScan: now, Looked: 1204, Ignored: 3}}, []events.WaitingFiles{{
		JobID: a.job.ID, More: 7, Files: []events.WaitingFile{
			{Path: "b.csv", State: events.FileOpen, Since: now.Add(-22 * time.Minute)},
			{Path: "c.pdf", State: events.FileUnmarked, Since: now.Add(-time.Minute)},
			{Path: "a.csv", State: events.FileYoung, Since: now.Add(-time.Second), Modified: now, QuietMS: 2000},
		},
	}})
	for n := range 3 {
		a.see(fmt.Sprintf("q%d.csv", n), fmt.Sprintf("q%d", n))
	}
	done := a.see("e.csv", "e")
	a.called(done, events.OK)
	if err := a.bus.HoldFiles(t.Context(), []events.Held{{JobID: a.job.ID, Path: "h.csv", Fingerprint: "h", Ring: "a → a", At: now}}); err != nil {
		t.Fatal(err)
	}
	list := func(query string) (all []string) {
		t.Helper()
		for token := ""; ; {
			page := into[struct {
				List []struct {
					Path, State string
					Reason      struct{ Code, Text string }
				}
				More   int
				Folder *why.Folder
				Next   string `json:"next_page_token"`
			}](t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files?"+query+"&page_token="+url.QueryEscape(token), a.admin, ""), http.StatusOK)
			for _, f := range page.List {
				all = append(all, f.Path+" "+f.State+" "+f.Reason.Code)
			}
			if page.Folder == nil || page.Folder.Files != 1204 || page.More != 7 {
				t.Errorf("%+v", page)
			}
			if token = page.Next; token == "" {
				return all
			}
		}
	}
	waiting := []string{"b.csv open open", "c.pdf unmarked unmarked", "a.csv new young"}
	queued := []string{"q0.csv queued queued", "q1.csv queued queued", "q2.csv queued queued"}
	all := append(append(append([]string{}, waiting...), queued...), "h.csv held held", "e.csv called called")
	for query, want := range map[string][]string{
		"": all, "limit=1": all, "limit=4": all, "state=waiting": all[:7], "state=open": waiting[:1], "state=queued": queued, "state=queued&limit=2": queued,
		"state=held": all[6:7], "state=called": all[7:], "prefix=q": queued, "prefix=none": nil,
	} {
		if diff := cmp.Diff(want, list(query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	wantFault(t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files?state=done", a.admin, ""), http.StatusBadRequest, "state")
	wantFault(t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files?path=", a.admin, ""), http.StatusBadRequest, "path: is empty")
	wantFault(t, a.native(http.MethodGet, "jobs/"+a.job.ID+"/files", a.user("bob", events.Viewer), ""), http.StatusNotFound, "")
}

// A month of a job that runs every minute is summed up in one answer.
func TestSummaryOfSlots(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{schedule: `"* * * * *"`}.String())
	now := time.Now().UTC().Truncate(time.Minute)
	minute := events.MinuteOf(now)
	seq := s.since(j.ID, func(ev *events.JobEvent) { ev.Job.EffectiveFrom = now.AddDate(0, 0, -40) })
	if err := s.bus.JobEvents(j.ID).Keep(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.bus.CommitPass(t.Context(), events.Clock{From: minute - 1, Minute: minute, JobsSeq: seq}, 0, events.Answers{}); err != nil {
		t.Fatal(err)
	}
	if err := s.bus.CopyVerdict(t.Context(), events.Verdict{JobID: j.ID, From: minute - 3000, To: minute - 2990, Verdict: events.VerdictMissed, Reason: events.WhyNotRunning, At: now}); err != nil {
		t.Fatal(err)
	}
	s.keep(events.Result{TriggerID: events.CronTriggerID(j.ID, minute-2000), JobID: j.ID, Kind: events.KindCron, Minute: minute - 2000, TriggeredAt: now, Status: events.ERROR, Outcome: events.OutcomeFailed})
	type bucket struct {
		From, To time.Time
		Slots    int
		Worst    string
		Verdicts map[string]int
		Outcome  string
	}
	sum := func(query string) (all []bucket) {
		t.Helper()
		for token := ""; ; {
			page := into[struct {
				Buckets []bucket
				Next    string `json:"next_page_token"`
			}](t, s.native(http.MethodGet, "jobs/"+j.ID+"/slots/summary?"+query+"&page_token="+token, s.admin, ""), http.StatusOK)
			if all = append(all, page.Buckets...); page.Next == "" {
				return all
			}
			token = page.Next
		}
	}
	from := now.AddDate(0, 0, -35).Truncate(24 * time.Hour)
	span := "from=" + from.Format(time.RFC3339) + "&to=" + now.Format(time.RFC3339)
	for _, query := range []string{span, span + "&bucket=hour", span + "&bucket=hour&limit=100", span + "&zone=Asia/Tokyo"} {
		slots, missed, failed := 0, 0, 0
		for _, b := range sum(query) {
			slots, missed = slots+b.Slots, missed+b.Verdicts["missed"]
			if b.Outcome == "failed" {
				failed++
			}
			if b.Verdicts["missed"] > 0 && b.Worst != "missed" {
				t.Errorf("%+v", b)
			}
		}
		want := int(now.Sub(from)/time.Minute) + 1
		if strings.Contains(query, "Tokyo") {
			want += 540 // the day of Tokyo began nine hours before
			want = max(want, slots)
		}
		if slots != want || missed != 11 || failed != 1 {
			t.Errorf("%s: %d slots, want %d; %d missed, %d buckets failed", query, slots, want, missed, failed)
		}
	}
	began := time.Now()
	if n := len(sum(span + "&bucket=hour")); n < 835 {
		t.Errorf("%d hours", n)
	}
	t.Logf("35 days by the hour in %s", time.Since(began))
	wantFault(t, s.native(http.MethodGet, "jobs/"+j.ID+"/slots/summary?from=2020-01-01T00:00:00Z", s.admin, ""), http.StatusBadRequest, "from: is more than 366 days")
	wantFault(t, s.native(http.MethodGet, "jobs/"+j.ID+"/slots/summary?zone=Mars", s.admin, ""), http.StatusBadRequest, "zone")
}

// Two schedules are compared run by run, with what a change of clocks does to each.
func TestPreviewCompares(t *testing.T) {
	s := newHarness(t)
	got := into[struct {
		Next     []struct{ Local, Mark string }
		Warnings []string
		Details  []struct {
			Code, Text string
			At         time.Time
		} `json:"warning_details"`
		Compare struct {
			Kept, Added, Removed []struct{ Local, Mark string }
		}
	}](t, s.native(http.MethodPost, "schedule/preview", s.admin,
		`{"schedule":"0 6 * * *","timezone":"Europe/Paris","from":"2027-03-27T12:00:00Z","count":4,"compare":{"schedule":"30 2,6 * * *","timezone":"Europe/Paris"}}`), http.StatusOK)
	texts := func(list []struct{ Local, Mark string }) (s string) {
		for _, x := range list {
			s += x.Local + x.Mark + " "
		}
		return s
	}
	if a, r := texts(got.Compare.Added), texts(got.Compare.Removed); a != "2027-03-28T06:00:00+02:00 " || r != "2027-03-28T03:00:00+02:00dst_gap 2027-03-28T06:30:00+02:00 2027-03-29T02:30:00+02:00 " || len(got.Compare.Kept) != 0 {
		t.Errorf("added %s removed %s kept %v", a, r, got.Compare.Kept)
	}
	night := into[struct {
		Next     []struct{ Local, Mark string }
		Warnings []string
		Details  []struct {
			Code, Text string
			At         time.Time
		} `json:"warning_details"`
	}](t, s.native(http.MethodPost, "schedule/preview", s.admin, `{"schedule":"30 2 * * *","timezone":"Europe/Paris","from":"2027-03-27T12:00:00Z","count":1}`), http.StatusOK)
	if len(night.Next) != 1 || night.Next[0].Mark != "dst_gap" || len(night.Details) != len(night.Warnings) || night.Details[0].Code != "dst_gap" || night.Details[0].Text != night.Warnings[0] || night.Details[0].At.IsZero() {
		t.Errorf("%+v", night)
	}
	same := into[struct {
		Compare struct {
			Kept, Added, Removed []struct{ Local, Mark string }
		}
	}](t, s.native(http.MethodPost, "schedule/preview", s.admin, `{"schedule":"@daily","compare":{"schedule":"0 0 * * *"}}`), http.StatusOK)
	if len(same.Compare.Kept) != 5 || len(same.Compare.Added)+len(same.Compare.Removed) != 0 {
		t.Errorf("%+v", same)
	}
	wantFault(t, s.native(http.MethodPost, "schedule/preview", s.admin, `{"schedule":"@daily","compare":{"schedul":"@daily"}}`), http.StatusBadRequest, "compare.schedul: unknown key")
	wantFault(t, s.native(http.MethodPost, "schedule/preview", s.admin, `{"schedule":"@daily","compare":{"schedule":"x"}}`), http.StatusBadRequest, "compare.schedule")
}
