package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/gateway"
)

type nativeResult struct {
	TriggerID string `json:"trigger_id"`
	Kind      string `json:"kind"`
	Slot      string `json:"slot"`
	File      *struct {
		Path, Fingerprint string
		InputDir          string `json:"input_dir"`
	} `json:"file"`
	Triggered, Started, Ended string
	Status                    string
	HTTP                      events.HTTPResult `json:"http_result"`
	FlowJobID                 string            `json:"flow_job_id"`
	Attempts                  int
	Run                       *nativeRun
}

type nativeRun struct {
	State, Status, Started, Ended string
	DurationMS                    int64  `json:"duration_ms"`
	OutputFolder                  string `json:"output_folder"`
	Message, Waits                string
	Attempt                       int
	ExitStatus                    *int `json:"exit_status"`
	Unmet                         []string
	Undelivered                   []struct{ Channel, At, Message string }
}

func okUnless(s events.Status) events.Status {
	if s == "" {
		return events.OK
	}
	return s
}

// keep puts results into the stream as they are; PutResult would drop a second one of a trigger.
func (s *harness) keep(results ...events.Result) {
	s.t.Helper()
	for _, r := range results {
		r.Status = okUnless(r.Status)
		if err := s.bus.PutResults(s.t.Context(), r); err != nil {
			s.t.Fatal(err)
		}
	}
	last := results[len(results)-1]
	eventstest.Eventually(s.t, "the result is in the index", func() bool {
		list, _ := s.results(last.JobID, "limit=1")
		return len(list) > 0 && list[0].TriggerID == last.TriggerID
	})
}

func (s *harness) results(id, query string) ([]nativeResult, string) {
	s.t.Helper()
	page := into[struct {
		Results []nativeResult `json:"results"`
		Next    string         `json:"next_page_token"`
	}](s.t, s.native(http.MethodGet, "jobs/"+id+"/results?"+query, s.admin, ""), http.StatusOK)
	return page.Results, page.Next
}

func TestNativeResults(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	other, _ := s.made(s.admin, body{}.String())
	base := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	cron := func(minute int, status events.Status) events.Result {
		return events.Result{
			TriggerID: events.CronTriggerID(j.ID, events.Minute(minute)), JobID: j.ID, Kind: events.KindCron, Minute: events.MinuteOf(base) + events.Minute(minute),
			TriggeredAt: base, StartedAt: base.Add(time.Second), EndedNS: base.Add(2 * time.Second).UnixNano(), Status: status, Attempts: 1,
		}
	}
	for n := range 12 {
		s.keep(cron(n, [2]events.Status{events.OK, events.ERROR}[n%2]))
		s.keep(events.Result{TriggerID: events.CronTriggerID(other.ID, events.Minute(n)), JobID: other.ID, Kind: events.KindCron})
	}
	s.keep(cron(3, events.OK), cron(7, events.ERROR)) // tried again
	file := events.File{Path: "a\ufffd.pdf", PathB64: "Yf8ucGRm", Fingerprint: "f1", Size: 5, InputDir: "a/r/fs/D/.spool/x/f1/input"}
	s.keep(events.Result{
		TriggerID: events.FileTriggerID(j.ID, "f1"), JobID: j.ID, Kind: events.KindFile, File: &file, Status: events.OK,
		HTTP: events.HTTPResult{Status: "200", Headers: []events.Header{{Key: "A", Value: "b"}}, Response: "{}"},
	})
	follow := func(query string) (ids []string, pages int) {
		next := ""
		for pages = 1; pages < 50; pages++ {
			var list []nativeResult
			list, next = s.results(j.ID, query+"&page_token="+next)
			for _, r := range list {
				ids = append(ids, strings.TrimPrefix(strings.TrimPrefix(r.TriggerID, "cron:"+j.ID+":"), "file:"+j.ID+":"))
			}
			if next == "" {
				break
			}
		}
		return ids, pages
	}
	for query, want := range map[string]string{
		"":                     "f1 7 3 11 10 9 8 6 5 4 2 1 0 in 1",
		"limit=5":              "f1 7 3 11 10 9 8 6 5 4 2 1 0 in 3",
		"limit=13":             "f1 7 3 11 10 9 8 6 5 4 2 1 0 in 1",
		"limit=1":              "f1 7 3 11 10 9 8 6 5 4 2 1 0 in 13",
		"status=OK":            "f1 3 10 8 6 4 2 0 in 1",
		"status=ERROR":         "7 11 9 5 1 in 1",
		"status=ERROR&limit=2": "7 11 9 5 1 in 3",
	} {
		ids, pages := follow(query)
		if diff := cmp.Diff(want, fmt.Sprintf("%s in %d", strings.Join(ids, " "), pages)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	list, _ := s.results(j.ID, "limit=2")
	if f := list[0].File; f == nil || f.Path != file.Path || f.Fingerprint != "f1" || f.InputDir != file.InputDir || list[0].Slot != "" {
		t.Errorf("a file's result is %+v", list[0])
	}
	want := nativeResult{
		TriggerID: events.CronTriggerID(j.ID, 7), Kind: "cron", Slot: "2026-01-02T03:11:00Z", Triggered: "2026-01-02T03:04:00Z",
		Started: "2026-01-02T03:04:01Z", Ended: "2026-01-02T03:04:02Z", Status: "ERROR", Attempts: 1, HTTP: events.HTTPResult{Headers: []events.Header{}},
	}
	if diff := cmp.Diff(want, list[1]); diff != "" {
		t.Errorf("a slot's result (-want +got):\n%s", diff)
	}
}

func TestResultsShowTheirRuns(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	for _, id := range []string{"foreign", "pending", "running", "again", "done", "failed", "two words", "a.b", ""} {
		s.keep(events.Result{TriggerID: events.ManualTriggerID(j.ID, id), JobID: j.ID, Kind: events.KindManual, Status: events.OK, FlowJobID: id})
	}
	for _, ev := range []events.RunEvent{
		{Phase: events.Accepted, FlowJobID: "pending"},
		{Phase: events.Accepted, FlowJobID: "running"},
		{Phase: events.Started, FlowJobID: "running", Attempt: 1, At: at, Unmet: []string{"files"}},
		{Phase: events.Started, FlowJobID: "again", Attempt: 1, At: at},
		{Phase: events.Started, FlowJobID: "again", Attempt: 2, At: at.Add(time.Hour)},
		{Phase: events.Accepted, FlowJobID: "done"},
		{Phase: events.Started, FlowJobID: "done", Attempt: 1, At: at},
		{Phase: events.Ended, FlowJobID: "done", Attempt: 1, StartedAt: at, At: at.Add(1500 * time.Millisecond), Status: events.OK, ExitStatus: new(0)},
		{Phase: events.Ended, FlowJobID: "failed", Attempt: 1, StartedAt: at, At: at.Add(time.Second), Status: events.ERROR, Message: "exit status 3", ExitStatus: new(3)},
	} {
		ev.JobID, ev.OutputFolder = j.ID, "a/r/fs/D/out"
		_, before, err := s.bus.RunEvent(t.Context(), ev.Phase, ev.JobID, ev.FlowJobID)
		if err == nil {
			err = s.bus.PutRunEvent(t.Context(), ev, before)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.bus.PutUndelivered(t.Context(), events.RunEvent{
		Phase: events.Undelivered, FlowJobID: "failed", JobID: j.ID, OutputFolder: "a/r/fs/D/out", At: at.Add(time.Hour),
		Channel: "webhook", Message: "status 500",
	}); err != nil {
		t.Fatal(err)
	}
	const out = "a/r/fs/D/out"
	want := map[string]*nativeRun{
		"foreign": nil, "two words": nil, "a.b": nil, "": nil,
		"pending": {State: "pending", OutputFolder: out},
		"running": {State: "running", OutputFolder: out, Attempt: 1, Started: "2026-01-02T03:04:00Z", Unmet: []string{"files"}},
		"again":   {State: "running", OutputFolder: out, Attempt: 2, Started: "2026-01-02T04:04:00Z"},
		"done": {
			State: "ended", Status: "OK", OutputFolder: out, Attempt: 1, Started: "2026-01-02T03:04:00Z",
			Ended: "2026-01-02T03:04:01.5Z", DurationMS: 1500, ExitStatus: new(0),
		},
		"failed": {
			State: "ended", Status: "ERROR", OutputFolder: out, Attempt: 1, Started: "2026-01-02T03:04:00Z",
			Ended: "2026-01-02T03:04:01Z", DurationMS: 1000, ExitStatus: new(3), Message: "exit status 3",
			Undelivered: []struct{ Channel, At, Message string }{{"webhook", "2026-01-02T04:04:00Z", "status 500"}},
		},
	}
	list, _ := s.results(j.ID, "")
	got := map[string]*nativeRun{}
	for _, r := range list {
		got[r.FlowJobID] = r.Run
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// Every slot of a job is told of, whether anything is stored for it or not.
func TestSlots(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{schedule: `"* * * * *"`}.String())
	now := time.Now().UTC().Truncate(time.Minute)
	minute := events.MinuteOf(now)
	rev, err := s.bus.Job(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	old := rev.Event // as if it had been like this for two hours
	old.Event, old.Job.EffectiveFrom = events.JobUpdated, now.Add(-2*time.Hour)
	seq, err := s.bus.PutJob(t.Context(), old, rev.Seq)
	if err == nil {
		err = s.bus.JobEvents(j.ID).Keep(t.Context(), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := func(back events.Minute) time.Time { return now.Add(-time.Duration(back) * time.Minute) }
	for _, v := range []events.Verdict{
		{From: minute - 60, To: minute - 50, Verdict: events.VerdictMissed, Reason: "not running"},
		{From: minute - 5000, To: minute - 4000, Verdict: events.VerdictMissed, Reason: "edited"},
		{From: minute - 31, To: minute - 31, Verdict: events.VerdictSkipped, TriggerID: events.ManualTriggerID(j.ID, "x")},
	} {
		v.JobID = j.ID
		if err := s.bus.CopyVerdict(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	cron := func(back events.Minute, late time.Duration) events.Result {
		return events.Result{
			TriggerID: events.CronTriggerID(j.ID, minute-back), JobID: j.ID, Kind: events.KindCron, Minute: minute - back,
			TriggeredAt: at(back).Add(late), Status: events.OK,
		}
	}
	s.keep(cron(30, 90*time.Millisecond), cron(20, 61*time.Second), cron(30, time.Hour), // tried again
		events.Result{TriggerID: events.ManualTriggerID(j.ID, "x"), JobID: j.ID, Kind: events.KindManual})
	queued := events.Trigger{ID: events.CronTriggerID(j.ID, minute-2), JobID: j.ID, Kind: events.KindCron, Minute: minute - 2, At: now}
	if _, err := s.bus.CommitPass(t.Context(), events.Clock{From: minute - 3, Minute: minute - 2, JobsSeq: seq}, 0, events.Answers{
		Fired:  []events.Trigger{queued},
		Passed: []events.Verdict{{JobID: j.ID, From: minute - 5, To: minute - 4, Verdict: events.VerdictSuperseded, Reason: "on its way to SLOTS"}},
		Later:  []events.Backlog{{JobID: j.ID, Owed: []events.Stretch{{When: events.When{Schedule: "* * * * *"}, From: minute - 9, To: minute - 8, Slots: 2}}}},
	}); err != nil {
		t.Fatal(err)
	}
	type slot struct {
		From, To        time.Time
		Slots           int
		Verdict, Reason string
		TriggerID       string `json:"trigger_id"`
		LatenessMS      int64  `json:"lateness_ms"`
	}
	const kept = "no result of it is kept"
	day := []slot{
		{From: at(119), To: at(61), Slots: 59, Verdict: "fired", Reason: kept},
		{From: at(60), To: at(50), Slots: 11, Verdict: "missed", Reason: "not running"},
		{From: at(49), To: at(32), Slots: 18, Verdict: "fired", Reason: kept},
		{From: at(31), To: at(31), Verdict: "skipped", TriggerID: events.ManualTriggerID(j.ID, "x")},
		{From: at(31), To: at(31), Slots: 1, Verdict: "fired", Reason: kept},
		{From: at(30), To: at(30), Slots: 1, Verdict: "fired", TriggerID: events.CronTriggerID(j.ID, minute-30), LatenessMS: 90},
		{From: at(29), To: at(21), Slots: 9, Verdict: "fired", Reason: kept},
		{From: at(20), To: at(20), Slots: 1, Verdict: "caught_up", TriggerID: events.CronTriggerID(j.ID, minute-20), LatenessMS: 61000},
		{From: at(19), To: at(10), Slots: 10, Verdict: "fired", Reason: kept},
		{From: at(9), To: at(8), Slots: 2, Verdict: "pending", Reason: "catch-up has not come to it yet"},
		{From: at(7), To: at(6), Slots: 2, Verdict: "fired", Reason: kept},
		{From: at(5), To: at(4), Slots: 2, Verdict: "superseded", Reason: "on its way to SLOTS"},
		{From: at(3), To: at(3), Slots: 1, Verdict: "fired", Reason: kept},
		{From: at(2), To: at(2), Slots: 1, Verdict: "queued", Reason: "its run-binary call has no result yet", TriggerID: queued.ID},
		{From: at(1), To: at(0), Slots: 2, Verdict: "pending", Reason: "cron has not committed this minute yet"},
	}
	type page struct {
		Slots     []slot
		KnownFrom time.Time `json:"known_from"`
		Next      string    `json:"next_page_token"`
	}
	ask := func(query string) page {
		t.Helper()
		return into[page](t, s.native(http.MethodGet, "jobs/"+j.ID+"/slots?"+query, s.admin, ""), http.StatusOK)
	}
	part := func(e slot, from, to events.Minute) slot {
		e.From, e.To, e.Slots = at(from), at(to), int(from-to+1)
		return e
	}
	rfc := func(back events.Minute) string { return at(back).Format(time.RFC3339) }
	until := "to=" + rfc(0)
	for _, c := range []struct {
		query string
		want  []slot
	}{
		{until, day},
		{"from=" + rfc(55) + "&to=" + rfc(30), append([]slot{part(day[1], 55, 50)}, day[2:6]...)},
		{"from=" + rfc(49) + "&to=" + rfc(41), []slot{part(day[2], 49, 41)}},
		{"from=" + rfc(300) + "&to=" + rfc(200), nil},
		{"from=" + rfc(4500) + "&" + until, append([]slot{{From: at(5000), To: at(4000), Verdict: "missed", Reason: "edited"}}, day...)},
	} {
		got := ask(c.query)
		for i, e := range got.Slots {
			if e.Verdict == "queued" { // stored just now
				if e.LatenessMS < 120_000 {
					t.Errorf("queued %d ms late", e.LatenessMS)
				}
				got.Slots[i].LatenessMS = 0
			}
		}
		if diff := cmp.Diff(append([]slot{}, c.want...), got.Slots); diff != "" || got.Next != "" || !got.KnownFrom.Equal(at(120)) {
			t.Errorf("%s: known from %s, next %q (-want +got):\n%s", c.query, got.KnownFrom, got.Next, diff)
		}
	}
	var paged []slot
	for token := ""; ; {
		got := ask(until + "&limit=4&page_token=" + token)
		if paged = append(paged, got.Slots...); len(got.Slots) > 4 {
			t.Errorf("%d entries on a page", len(got.Slots))
		}
		if token = got.Next; token == "" {
			break
		}
	}
	if len(paged) != len(day) {
		t.Errorf("in pages: %d entries, want %d", len(paged), len(day))
	}
}

func TestRerun(t *testing.T) {
	drives, err := drive.New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Drives = drives }))
	j, _ := s.made(s.admin, body{}.String())
	stage := func(name string) events.File {
		return events.File{Path: name, Fingerprint: name, InputDir: "a/r/fs/D/.spool/" + j.ID + "/" + name + "/input"}
	}
	kept, gone := stage("kept"), stage("gone")
	p, err := events.ParsePath("", kept.InputDir)
	if err != nil {
		t.Fatal(err)
	}
	root, err := drives.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	root.Close()
	cron, manual := events.CronTriggerID(j.ID, 7), events.ManualTriggerID(j.ID, "x")
	s.keep(
		events.Result{TriggerID: cron, JobID: j.ID, Kind: events.KindCron, Minute: 7},
		events.Result{TriggerID: manual, JobID: j.ID, Kind: events.KindManual},
		events.Result{TriggerID: events.FileTriggerID(j.ID, "kept"), JobID: j.ID, Kind: events.KindFile, File: &kept},
		events.Result{TriggerID: events.FileTriggerID(j.ID, "gone"), JobID: j.ID, Kind: events.KindFile, File: &gone},
	)
	for id, file := range map[string]*events.File{cron: nil, manual: nil, events.FileTriggerID(j.ID, "kept"): &kept} {
		a := s.native(http.MethodPost, "results/"+id+"/rerun", s.admin, "")
		got := into[events.Trigger](t, answer{200, a.header, s.lastTrigger(j.ID)}, http.StatusOK)
		if a.code != http.StatusAccepted || !strings.Contains(string(a.body), got.ID) || !strings.HasPrefix(got.ID, "manual:"+j.ID+":") || got.ID == id {
			t.Errorf("%s is run again as %d %s; queued is %+v", id, a.code, a.body, got)
		}
		want := events.Trigger{ID: got.ID, JobID: j.ID, Kind: events.KindManual, JobSeq: got.JobSeq, At: got.At, By: "admin", File: file, RerunOf: id}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("queued (-want +got):\n%s", diff)
		}
	}
	wantFault(t, s.native(http.MethodPost, "results/"+events.FileTriggerID(j.ID, "gone")+"/rerun", s.admin, ""), http.StatusConflict, "is not kept any more")
}

// lastTrigger gives the newest manual trigger of a job as it is queued.
func (s *harness) lastTrigger(jobID string) []byte {
	s.t.Helper()
	m, _, err := s.bus.Triggers(events.KindManual, jobID).Last(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return m.Data
}
