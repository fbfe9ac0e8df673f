package gateway_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// page reads a page as a browser does.
func (s *harness) page(path, token string) (status int, text string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// shows wants a page to have texts.
func (s *harness) shows(path string, want ...string) string {
	s.t.Helper()
	status, text := s.page(path, s.admin)
	if status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, status, text)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			s.t.Errorf("%s lacks %q", path, w)
		}
	}
	return text
}

// lived makes a job of Paris with a month behind it, and gives the slots that it had.
func (s *harness) lived(name, schedule, options string) (id string, slots []time.Time) {
	s.t.Helper()
	j, _ := s.made(s.admin, body{
		name: fmt.Sprintf("%q", name), schedule: fmt.Sprintf("%q", schedule), extra: `,"spool":{"timezone":"Europe/Paris"` + options + `}`,
	}.String())
	now := time.Now()
	s.since(j.ID, func(ev *events.JobEvent) { ev.Job.EffectiveFrom = now.AddDate(0, 0, -30) })
	if err := s.bus.JobEvents(j.ID).Keep(s.t.Context(), 1); err != nil {
		s.t.Fatal(err)
	}
	rev, err := s.bus.Job(s.t.Context(), j.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	plan, err := rev.Event.Job.Plan(time.UTC)
	if err != nil {
		s.t.Fatal(err)
	}
	for slot := range plan.Slots.Slots(now.AddDate(0, 0, -30), now) {
		slots = append(slots, slot.Time)
	}
	s.answered(rev.Seq)
	return j.ID, slots
}

// answered has the clock answer for all that is over.
func (s *harness) answered(jobs uint64) {
	s.t.Helper()
	_, at, err := s.bus.Clock(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	now := events.MinuteOf(time.Now())
	if _, err := s.bus.CommitPass(s.t.Context(), events.Clock{From: now - 3, Minute: now, JobsSeq: jobs}, at, events.Answers{}); err != nil {
		s.t.Fatal(err)
	}
}

// ran stores an execution of a slot and how its run ended.
func (s *harness) ran(jobID string, slot time.Time, took time.Duration, exit int, message string) {
	s.t.Helper()
	m := events.MinuteOf(slot)
	run := fmt.Sprintf("run-%s-%d", jobID[:8], m)
	s.keep(events.Result{
		TriggerID: events.CronTriggerID(jobID, m), JobID: jobID, Kind: events.KindCron, Minute: m, Attempts: 1, TriggeredAt: slot.Add(400 * time.Millisecond),
		StartedAt: slot.Add(time.Second), EndedNS: slot.Add(time.Second).UnixNano(), Status: events.OK, FlowJobID: run, Outcome: events.OutcomeWaiting,
	})
	ev := events.RunEvent{
		Phase: events.Ended, JobID: jobID, TriggerID: events.CronTriggerID(jobID, m), FlowJobID: run, Attempt: 1, StartedAt: slot.Add(time.Second), At: slot.Add(time.Second + took),
		Status: events.OK, OutputFolder: "a/r/fs/D/out", ExitStatus: &exit,
	}
	if exit != 0 {
		ev.Status, ev.Message = events.ERROR, message
	}
	ev.Judge()
	if err := s.bus.PutRunEvent(s.t.Context(), ev, 0); err != nil {
		s.t.Fatal(err)
	}
}

// judged stores a verdict on a slot, or on several from it on.
func (s *harness) judged(id string, slot time.Time, v events.Verdict) {
	s.t.Helper()
	v.JobID, v.At, v.From = id, time.Now(), events.MinuteOf(slot)
	v.To = max(v.To, v.From)
	if err := s.bus.CopyVerdict(s.t.Context(), v); err != nil {
		s.t.Fatal(err)
	}
}

// at is the address of the sentence of a slot.
func at(id string, slot time.Time) string {
	return "/jobs/" + id + "?at=" + slot.UTC().Format(time.RFC3339)
}

func TestPageOfJob(t *testing.T) {
	s := newHarness(t)
	id, slots := s.lived("invoices nightly", "30 2 * * *", `,"overlap":"skip","catch_up":"none"`)
	last := len(slots) - 1
	for i, slot := range slots[last-4:] {
		switch i {
		case 1:
			s.judged(id, slot, events.Verdict{
				Verdict: events.VerdictMissed, Reason: events.WhyNotRunning, Down: &events.Downtime{From: slot.Add(-5 * time.Minute), To: slot.Add(time.Hour)},
			})
		case 2:
			s.judged(id, slot, events.Verdict{Verdict: events.VerdictSkipped, Reason: events.WhyOverlap})
		case 3:
			s.ran(id, slot, 31*time.Minute, 3, "exit status 3: table locked")
		default:
			s.ran(id, slot, 4*time.Minute, 0, "")
		}
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	day := func(back int) string { return slots[last-back].In(zone).Format("Mon 2 Jan 15:04") }
	s.shows("/jobs/"+id, "<h1>invoices nightly</h1>", `aria-label="Run now, invoices nightly"`, `aria-label="Delete invoices nightly"`,
		"At 02:30 every day (Europe/Paris).", "the second is skipped", "none runs",
		day(1)+", failed, why", day(2)+", skipped, why", day(3)+", missed, why", "data-heat", "not kept, why",
		"exit status 3: table locked", "by the clock", `action="/runs/cron:`+id, "p50", "CET")
	for slot, want := range map[int]string{
		1: "failed after 31 min: exit status 3: table locked.",
		2: "Skipped: the run before it had not ended and overlap is skip.",
		3: "Missed: Spool was not running then (",
		4: "Started on time, 0.4 s after its minute; ok after 4 min.",
	} {
		s.shows(at(id, slots[last-slot]), want)
	}
	s.shows(at(id, slots[last].Add(time.Hour)), "No slot then. The nearest")
	s.shows(at(id, slots[0].AddDate(0, 0, -3)), "Not kept: Spool knows this job since ")
	if status, text := s.page("/jobs/"+id+"?at=yesterday", s.admin); status != http.StatusBadRequest || !strings.Contains(text, "RFC 3339") {
		t.Errorf("a time that is none: %d", status)
	}
	text := s.shows("/jobs/"+id+"/slots", "Newest first, by the clocks of Europe/Paris", "exit status 3: table locked", "fired, ok")
	if strings.Index(text, day(0)) > strings.Index(text, day(3)) {
		t.Error("the newest slot is not the first")
	}
	text = s.shows("/jobs/"+id+"/slots?verdict=missed", day(3))
	if rows := strings.Count(text, "data-row"); rows != 1 {
		t.Errorf("%d rows were missed", rows)
	}
	text = s.shows("/jobs/"+id+"/runs?outcome=failed,gave_up", "table locked", "failed or gave up")
	if rows := strings.Count(text, "data-row"); rows != 1 {
		t.Errorf("%d rows failed", rows)
	}
	s.shows("/runs?from="+slots[last-10].In(zone).Format("2006-01-02T15:04"), `<a href="/jobs/`+id+`">invoices nightly</a>`, "by the clock")
	s.shows("/runs?kind=file", "No runs match.")
}

// What a viewer sees changes nothing.
func TestPageOfJobForViewers(t *testing.T) {
	s := newHarness(t)
	id, _ := s.lived("n", "30 2 * * *", "")
	viewer := s.user("admin", events.Viewer)
	for _, path := range []string{"/jobs/" + id, "/jobs/" + id + "/runs", "/jobs/" + id + "/slots", "/jobs/" + id + "/history", "/runs"} {
		status, text := s.page(path, viewer)
		if status != http.StatusOK || strings.Contains(text, `action="/jobs/`+id) && strings.Contains(text, "<form method=\"post\" action=\"/jobs/") || strings.Contains(text, "restore=") {
			t.Errorf("%s: %d, with what a viewer may not do", path, status)
		}
	}
	if _, text := s.page("/jobs/"+id, viewer); !strings.Contains(text, "role viewer") {
		t.Error("nothing says why there are no controls")
	}
	if status, _ := s.page("/jobs/"+id, s.user("bob", events.Operator)); status != http.StatusNotFound {
		t.Errorf("somebody else's job: %d", status)
	}
}

func TestPageOfDeletedJob(t *testing.T) {
	s := newHarness(t)
	id, _ := s.lived("old export", "30 2 * * *", "")
	s.native(http.MethodDelete, "jobs/"+id, s.admin, "")
	for _, path := range []string{"/jobs/" + id, "/jobs/" + id + "/history", "/jobs/" + id + "/slots"} {
		status, text := s.page(path, s.admin)
		if status != http.StatusNotFound || !strings.Contains(text, "Admin deleted the job &#34;old export&#34; on ") {
			t.Errorf("%s: %d\n%s", path, status, text)
		}
	}
	if status, text := s.page("/jobs/"+id, s.user("bob", events.Operator)); status != http.StatusNotFound || strings.Contains(text, "deleted the job") {
		t.Errorf("what was somebody else's is told: %d", status)
	}
	if status, _ := s.page("/jobs/00000000-0000-0000-0000-000000000000", s.admin); status != http.StatusNotFound {
		t.Errorf("a job that never was: %d", status)
	}
}

// The map of a job with 50,400 slots is small, and says all of them.
func TestPageOfMinuteJob(t *testing.T) {
	s := newHarness(t)
	id, slots := s.lived("each minute", "* * * * *", "")
	s.judged(id, slots[len(slots)-3000], events.Verdict{To: events.MinuteOf(slots[len(slots)-2900]), Verdict: events.VerdictMissed, Reason: events.WhyNotRunning})
	text := s.shows("/jobs/"+id, "60 slots", "missed, ")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	if packed.Len() > 50<<10 {
		t.Errorf("the page takes %d bytes", packed.Len())
	}
	t.Logf("%d slots: %d bytes, %d compressed", len(slots), len(text), packed.Len())
	text = s.shows("/jobs/"+id+"/slots?verdict=missed", "101 slots")
	if rows := strings.Count(text, "data-row"); rows != 1 {
		t.Errorf("%d rows were missed", rows)
	}
}

// Whatever a job is called, and whatever its runs say, is text.
func TestPageOfHostileJob(t *testing.T) {
	s := newHarness(t)
	const name = `"><img src=x onerror=alert(1)>`
	id, slots := s.lived(name, "30 2 * * *", "")
	s.ran(id, slots[len(slots)-1], time.Minute, 1, `<script>alert("out")</script> {{.}} `+"\x1b[31m")
	s.native(http.MethodPost, "jobs/"+id+"/disable", s.admin, `{"reason":"<b onclick=alert(1)>move</b>"}`)
	for _, path := range []string{"/jobs/" + id, at(id, slots[len(slots)-1]), "/jobs/" + id + "/runs", "/jobs/" + id + "/slots", "/jobs/" + id + "/history", "/runs"} {
		text := s.shows(path)
		for _, bad := range []string{"<img", "<script>", "<b onclick", `onerror=alert(1)>"`, "ZgotmplZ"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %s", path, bad)
			}
		}
	}
}
