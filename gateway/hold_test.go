package gateway_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/gateway"
)

// ends stores that runs of a job have ended, with OK for an empty message.
func (s *harness) ends(jobID string, messages ...string) {
	s.t.Helper()
	for i, message := range messages {
		ev := events.RunEvent{
			Phase: events.Ended, At: time.Now(), JobID: jobID, FlowJobID: "run-" + strconv.FormatInt(time.Now().UnixNano(), 36) + strconv.Itoa(i),
			Attempt: 1, Status: events.ERROR, Message: message,
		}
		if message == "" {
			ev.Status = events.OK
		}
		if err := s.bus.PutRunEvent(s.t.Context(), ev, 0); err != nil {
			s.t.Fatal(err)
		}
	}
}

// held waits until a job is disabled.
func (s *harness) held(id string) events.JobEvent {
	s.t.Helper()
	var rev events.JobRevision
	eventstest.Eventually(s.t, "the job is disabled", func() (held bool) {
		var err error
		rev, err = s.bus.Job(s.t.Context(), id)
		return err == nil && rev.Event.Job.Status == events.Disabled
	})
	return rev.Event
}

// passed waits until what was stored so far has been looked at: another job, which
// one failure disables, is.
func (s *harness) passed() {
	s.t.Helper()
	j, _ := s.made(s.admin, body{extra: `,"spool":{"hold_after":1}`}.String())
	s.ends(j.ID, "exit status 1")
	s.held(j.ID)
}

func TestHoldAfter(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{extra: `,"spool":{"hold_after":3}`}.String())
	never, _ := s.made(s.admin, body{}.String())
	s.ends(never.ID, "exit status 1", "exit status 1", "exit status 1", "exit status 1")
	s.ends(j.ID, "exit status 1", "exit status 1", "", "exit status 2", "cancelled by admin", "exit status 3")
	s.passed()
	for _, id := range []string{j.ID, never.ID} {
		if rev, err := s.bus.Job(t.Context(), id); err != nil || rev.Event.Job.Status != events.Enabled {
			t.Fatalf("%+v, %v", rev, err)
		}
	}
	s.keep(events.Result{ // a call that was refused is a failure, too
		TriggerID: events.CronTriggerID(j.ID, 1), JobID: j.ID, Kind: events.KindCron, EndedNS: time.Now().UnixNano(), Status: events.ERROR,
		HTTP: events.HTTPResult{Status: "200", Response: `{"status":"ERROR","msg":"binary_path: is not there"}`},
	})
	ev := s.held(j.ID)
	const reason = "3 failures in a row (spool.hold_after), the last: binary_path: is not there"
	if !ev.Held() || ev.Reason != reason || ev.Job.Role != "admin" {
		t.Errorf("%+v", ev)
	}
	shown := into[struct {
		Disabled struct{ By, At, Reason string }
	}](t, s.native(http.MethodGet, "jobs/"+j.ID, s.admin, ""), http.StatusOK).Disabled
	if shown.By != "hold_after" || shown.Reason != reason || shown.At == "" {
		t.Errorf("shown as %+v", shown)
	}
	if history := s.native(http.MethodGet, "jobs/"+j.ID+"/history", s.admin, ""); !strings.Contains(string(history.body), reason) {
		t.Errorf("history %s", history.body)
	}

	// A change of the job keeps the reason; enabled, it begins to count anew.
	s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, `{"name":"another"}`)
	if after := s.native(http.MethodGet, "jobs/"+j.ID, s.admin, ""); !strings.Contains(string(after.body), reason) {
		t.Errorf("after a change %s", after.body)
	}
	s.native(http.MethodPost, "jobs/"+j.ID+"/enable", s.admin, "")
	s.ends(j.ID, "exit status 1", "exit status 1")
	s.passed()
	if rev, err := s.bus.Job(t.Context(), j.ID); err != nil || rev.Event.Job.Status != events.Enabled || rev.Event.Job.Disabled != nil {
		t.Errorf("%+v, %v", rev, err)
	}
	s.native(http.MethodPost, "jobs/"+j.ID+"/disable", s.admin, "")
	if ev := s.held(j.ID); ev.Held() || ev.Job.Disabled == nil || ev.Job.Disabled.By != "admin" || ev.Job.Disabled.Reason != "" {
		t.Errorf("disabled by a person: %+v", ev)
	}
}

// What failed while no gateway was there counts when one starts, and of several
// gateways one disables the job.
func TestHoldAfterRestart(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{extra: `,"spool":{"hold_after":2}`}.String())
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.ends(j.ID, "exit status 1", "exit status 2")
	second, err := gateway.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	s.background(second.Run)
	s.held(j.ID)
	s.passed()
	disabled := 0
	for ev := range strings.SplitSeq(string(s.native(http.MethodGet, "jobs/"+j.ID+"/history", s.admin, "").body), `"event":"disabled"`) {
		_ = ev
		disabled++
	}
	if disabled != 2 {
		t.Errorf("disabled %d times", disabled-1)
	}
}
