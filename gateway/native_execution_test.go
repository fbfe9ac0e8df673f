package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// story is an execution as the API shows it.
type story struct {
	TriggerID string `json:"trigger_id"`
	JobName   string `json:"job_name"`
	Kind      string
	Outcome   string
	Why       string
	By        string
	Status    string
	FlowJobID string `json:"flow_job_id"`
	Run       *nativeRun
	Queued    *struct {
		Reason    string
		Calls     int
		LastError string `json:"last_error"`
		Next      string
	}
	Runner   *struct{ Host string }
	Timeline []struct{ At, Step, Channel, Says string }
	Notices  []struct{ Channel, State, At, Message string }
	Ack      *struct{ By, At, Note string }
}

func (s story) steps() string {
	var all []string
	for _, step := range s.Timeline {
		all = append(all, strings.TrimSuffix(step.Step+" "+step.Channel, " "))
	}
	return strings.Join(all, ", ")
}

// put stores an event of a run.
func (s *harness) phase(ev events.RunEvent) {
	s.t.Helper()
	_, before, err := s.bus.RunEvent(s.t.Context(), ev.Phase, ev.JobID, ev.FlowJobID)
	if err == nil {
		err = s.bus.PutRunEvent(s.t.Context(), ev, before)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// execution is one that a run came of: of the job, by hand, and accepted.
type executed struct {
	id, flow string
	at       time.Time
	result   events.Result
}

func (s *harness) executed(jobID, owner string, status events.Status) executed {
	s.t.Helper()
	nonce, err := uuid.NewV7()
	if err != nil {
		s.t.Fatal(err)
	}
	x := executed{id: events.ManualTriggerID(jobID, nonce.String()), at: time.Now().UTC().Add(-time.Second).Truncate(time.Millisecond)}
	x.flow = events.FlowJobID(owner, x.id)
	x.result = events.Result{
		TriggerID: x.id, JobID: jobID, Kind: events.KindManual, TriggeredAt: x.at, StartedAt: x.at, EndedNS: x.at.UnixNano(), Status: status, Attempts: 1,
		HTTP: events.HTTPResult{Status: "200", Response: "{}"},
	}
	if status == events.OK {
		x.result.FlowJobID = x.flow
	}
	x.result.Judge(false, true)
	s.keep(x.result)
	return x
}

func (x executed) event(p events.Phase, after time.Duration) events.RunEvent {
	return events.RunEvent{
		Phase: p, At: x.at.Add(after), FlowJobID: x.flow, TriggerID: x.id, JobID: x.result.JobID, Owner: "admin",
		BinaryPath: "admin/repo/fs/Drive/flow", InputDir: "admin/repo/fs/Drive/in", OutputFolder: "admin/repo/fs/Drive/out",
	}
}

// begin has it accepted and started by a runner.
func (s *harness) begin(x executed, runner string) {
	s.t.Helper()
	s.phase(x.event(events.Accepted, 0))
	started := x.event(events.Started, 100*time.Millisecond)
	started.Attempt, started.Process = 1, &events.Process{Host: "mill", PID: 7, Runner: runner}
	s.phase(started)
}

func (s *harness) finish(x executed, status events.Status, message string) {
	s.t.Helper()
	ended := x.event(events.Ended, 200*time.Millisecond)
	ended.Attempt, ended.StartedAt, ended.Status, ended.Message = 1, x.at.Add(100*time.Millisecond), status, message
	s.phase(ended)
}

func (s *harness) story(id, token string) story {
	s.t.Helper()
	return into[story](s.t, s.native(http.MethodGet, "results/"+id, token, ""), http.StatusOK)
}

func TestExecution(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	x := s.executed(j.ID, "admin", events.OK)
	if got := s.story(x.id, s.admin); got.Outcome != "waiting" || got.JobName != "n" || got.Run != nil || got.steps() != "triggered, called" || got.Status != "OK" {
		t.Errorf("accepted: %+v", got)
	}
	s.begin(x, "r1")
	if got := s.story(x.id, s.admin); got.Outcome != "running" || got.Runner == nil || got.Runner.Host != "mill" || got.steps() != "triggered, called, accepted, started" {
		t.Errorf("started: %+v", got)
	}
	s.finish(x, events.ERROR, "exit status 3: reading\ntable locked")
	ctx := t.Context()
	undelivered := x.event(events.Undelivered, time.Second)
	undelivered.Channel, undelivered.Message = events.ChannelWebhook, "status 500"
	told := x.event(events.Told, 2*time.Second)
	told.Channel = events.ChannelEmail
	if err := s.bus.PutUndelivered(ctx, undelivered); err != nil {
		t.Fatal(err)
	}
	if err := s.bus.PutTold(ctx, told); err != nil {
		t.Fatal(err)
	}
	got := s.story(x.id, s.admin)
	if got.Outcome != "failed" || !strings.Contains(got.Why, "table locked") || got.steps() != "triggered, called, accepted, started, ended, undelivered webhook, told email" {
		t.Errorf("failed: %+v", got)
	}
	if n := got.Notices; len(n) != 2 || n[0].State != "undelivered" || n[0].Message != "status 500" || n[1].State != "told" || n[1].Channel != "email" {
		t.Errorf("notices: %+v", n)
	}
	for _, id := range []string{
		"", "x", "cron", "cron:" + j.ID, "cron:" + j.ID + ":", "cron:" + j.ID + ":1", "manual:*:1", "manual:>:1", "manual:" + j.ID + ":*", "file:" + j.ID + ":..",
		"file:" + j.ID + ":>", "retry:" + j.ID + ":1", "manual:" + strings.ToUpper(j.ID) + ":1", "manual:6bc58441-1f60-4265-99f1-881c90ac65df:1",
	} {
		if a := s.native(http.MethodGet, "results/"+strings.ReplaceAll(id, "/", "%2F"), s.admin, ""); a.code != http.StatusNotFound && id != "" {
			t.Errorf("%q: %d %s", id, a.code, a.body)
		}
	}
	ann := s.user("ann", events.Operator)
	for _, path := range []string{"", "/log", "/output", "/output/x", "/cancel", "/ack", "/notices/retry"} {
		method := http.MethodGet
		if strings.HasPrefix(path, "/c") || strings.HasPrefix(path, "/a") || strings.HasPrefix(path, "/n") {
			method = http.MethodPost
		}
		wantProblem(t, s.native(method, "results/"+x.id+path, ann, ""), http.StatusNotFound, "no such result")
		if method == http.MethodPost {
			wantProblem(t, s.native(method, "results/"+x.id+path, s.user("admin", events.Viewer), ""), http.StatusForbidden, "may only read")
		}
	}
}

// One that waits for its call has no result; one that never comes to a call says why.
func TestExecutionThatWaits(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	id := s.triggered(j.ID, s.admin)
	got := s.story(id, s.admin)
	if got.Outcome != "waiting" || got.By != "admin" || got.Queued == nil || got.Status != "" || got.FlowJobID != "" || got.steps() != "triggered" || !strings.Contains(got.Why, "by admin") {
		t.Errorf("a trigger that waits: %+v", got)
	}
	next := time.Now().Add(time.Minute).UTC()
	if err := s.bus.PutRetryState(t.Context(), events.RetryState{JobID: j.ID, TriggerID: id, Attempt: 2, LastError: "connection refused", Next: next, Waiting: 1}); err != nil {
		t.Fatal(err)
	}
	if got = s.story(id, s.admin); got.Outcome != "retrying" || got.Queued.Calls != 2 || got.Queued.LastError != "connection refused" || !strings.Contains(got.Why, "connection refused") {
		t.Errorf("a trigger whose call failed: %+v", got)
	}
	skipped := events.CronTriggerID(j.ID, events.MinuteOf(time.Now()))
	verdict := events.Verdict{JobID: j.ID, Verdict: events.VerdictSkipped, Reason: "the run before it had not ended", TriggerID: skipped, At: time.Now()}
	if err := s.bus.CopyVerdict(t.Context(), verdict); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, s.native(http.MethodGet, "results/"+skipped, s.admin, ""), http.StatusNotFound, "led to no execution: skipped: the run before it had not ended")
}

// triggered asks for an execution, and gives its identity.
func (s *harness) triggered(jobID, token string) string {
	s.t.Helper()
	return into[struct {
		ID string `json:"trigger_id"`
	}](s.t, s.native(http.MethodPost, "jobs/"+jobID+"/trigger", token, ""), http.StatusAccepted).ID
}

// An acknowledged failure is no failing job, until it fails anew.
func TestAcknowledge(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	ok, bad := s.executed(j.ID, "admin", events.OK), s.executed(j.ID, "admin", events.OK)
	s.begin(ok, "r1")
	s.finish(ok, events.OK, "")
	s.begin(bad, "r1")
	wantProblem(t, s.native(http.MethodPost, "results/"+bad.id+"/ack", s.admin, ""), http.StatusConflict, "is running: there is no failure")
	s.finish(bad, events.ERROR, "exit status 3")
	failing := func() string {
		page := into[struct{ Jobs []struct{ ID string } }](t, s.native(http.MethodGet, "jobs?state=failing", s.admin, ""), http.StatusOK)
		if len(page.Jobs) == 1 {
			return "failing"
		}
		return "well"
	}
	eventstest.Eventually(t, "the job fails", func() bool { return failing() == "failing" })
	wantProblem(t, s.native(http.MethodPost, "results/"+ok.id+"/ack", s.admin, ""), http.StatusConflict, "is ok")
	wantProblem(t, s.native(http.MethodPost, "results/"+bad.id+"/ack", s.admin, `{"note":"`+strings.Repeat("x", 1001)+`"}`), http.StatusBadRequest, "note: is longer")
	wantProblem(t, s.native(http.MethodPost, "results/"+bad.id+"/ack", s.admin, `{"noet":"x"}`), http.StatusBadRequest, `did you mean "note"`)
	a := into[story](t, s.native(http.MethodPost, "results/"+bad.id+"/ack", s.admin, `{"note":" the NAS was down "}`), http.StatusOK)
	if a.Ack == nil || a.Ack.By != "admin" || a.Ack.Note != "the NAS was down" || !strings.HasSuffix(a.steps(), "acknowledged") || a.Outcome != "failed" {
		t.Errorf("acknowledged: %+v", a)
	}
	if got := failing(); got != "well" {
		t.Errorf("after it is acknowledged the job is %s", got)
	}
	if got := s.story(bad.id, s.admin); got.Ack == nil {
		t.Errorf("it is not kept: %+v", got)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.start() // another gateway
	eventstest.Eventually(t, "another gateway knows", func() bool { return failing() == "well" })
	for range 2 {
		wantCode(t, s.native(http.MethodDelete, "results/"+bad.id+"/ack", s.admin, ""), http.StatusNoContent)
	}
	if got := s.story(bad.id, s.admin); got.Ack != nil || failing() != "failing" {
		t.Errorf("taken back: %+v", got)
	}
	wantCode(t, s.native(http.MethodPost, "results/"+bad.id+"/ack", s.admin, ""), http.StatusOK)
	again := s.executed(j.ID, "admin", events.OK)
	s.begin(again, "r1")
	s.finish(again, events.ERROR, "exit status 4")
	eventstest.Eventually(t, "it fails anew", func() bool { return failing() == "failing" })
}

// Notices that were given up are asked for again, once, and by channels that can say it late.
func TestRetryNotices(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	x := s.executed(j.ID, "admin", events.OK)
	s.begin(x, "r1")
	s.finish(x, events.OK, "")
	retry := func() answer { return s.native(http.MethodPost, "results/"+x.id+"/notices/retry", s.admin, "") }
	wantProblem(t, retry(), http.StatusConflict, "no notice of this run was given up")
	for _, channel := range events.Channels {
		ev := x.event(events.Undelivered, time.Second)
		ev.At, ev.Channel, ev.Message = time.Now().UTC(), channel, "status 500"
		if err := s.bus.PutUndelivered(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
	}
	got := into[struct{ Retried []string }](t, retry(), http.StatusAccepted)
	if strings.Join(got.Retried, " ") != "webhook email" {
		t.Errorf("retried %v", got.Retried)
	}
	wantProblem(t, retry(), http.StatusConflict, "being sent again already")
	asked, err := s.bus.NoticesAgain(events.ChannelWebhook).All(t.Context())
	if err != nil || len(asked) != 1 || asked[0].FlowJobID != x.flow || asked[0].By != "admin" {
		t.Errorf("asked for: %+v, %v", asked, err)
	}
	if n := s.story(x.id, s.admin).Notices; len(n) != 3 || n[0].State != "again" || n[1].State != "again" || n[2].State != "undelivered" {
		t.Errorf("notices: %+v", n)
	}
	told := x.event(events.Told, 0)
	told.At, told.Channel = time.Now().UTC(), events.ChannelWebhook
	if err := s.bus.PutTold(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	if n := s.story(x.id, s.admin).Notices; n[0].State != "told" {
		t.Errorf("after it was told: %+v", n)
	}
}
