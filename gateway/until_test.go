package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func terms(reason string, until time.Time) string {
	text, _ := json.Marshal(map[string]any{"reason": reason, "until": until.UTC().Format(time.RFC3339Nano)})
	return string(text)
}

// becomes waits until a job is enabled or disabled, and gives the event.
func (s *harness) becomes(id string, want events.JobStatus) (ev events.JobEvent) {
	s.t.Helper()
	eventstest.Eventually(s.t, "the job is "+string(want), func() bool {
		rev, err := s.bus.Job(s.t.Context(), id)
		ev = rev.Event
		return err == nil && ev.Job.Status == want
	})
	return ev
}

func TestDisableWithTerms(t *testing.T) {
	s := newHarness(t)
	s.another()
	ann := s.user("ann", events.Operator)
	j, _ := s.made(ann, body{}.String())
	disable := func(token, text string) answer {
		return s.native(http.MethodPost, "jobs/"+j.ID+"/disable", token, text)
	}
	until := time.Now().Add(2 * time.Second)
	shown := into[struct {
		Disabled struct{ By, At, Reason, Until string }
	}](t, disable(ann, terms("move of the NAS", until)), http.StatusOK)
	if d := shown.Disabled; d.By != "ann" || d.Reason != "move of the NAS" || d.Until != until.UTC().Format(time.RFC3339Nano) {
		t.Errorf("shown as %+v", d)
	}
	ev := s.becomes(j.ID, events.Enabled)
	if ev.By != "until" || ev.At.Before(until) || ev.Job.Disabled != nil || ev.Job.Role != events.Operator || !ev.Job.EffectiveFrom.Equal(ev.At) {
		t.Errorf("enabled by %+v", ev)
	}

	for text, why := range map[string]string{
		terms("", time.Now().Add(-time.Minute)):       "until: ",
		`{"until":"tomorrow"}`:                        "until: ",
		`{"reason":1}`:                                "reason: ",
		`{"because":"x"}`:                             "because",
		terms(strings.Repeat("x", 1001), time.Time{}): "reason: has 1001 characters",
	} {
		wantFault(t, disable(ann, text), http.StatusBadRequest, why)
	}

	// What is said last counts, and nothing is said twice.
	_, tag := s.read(j.ID)
	for _, step := range []struct {
		text    string
		reason  string
		ends    bool
		changes bool
	}{
		{terms("a", until.Add(time.Hour)), "a", true, true},
		{terms("a", until.Add(time.Hour)), "a", true, false},
		{terms("a", until.Add(2*time.Hour)), "a", true, true},
		{"", "", false, true},
		{"", "", false, false},
		{`{"reason":"b"}`, "b", false, true},
		{"", "b", false, false},
	} {
		a := disable(s.admin, step.text)
		if a.code != http.StatusOK || (a.header.Get("ETag") != tag) != step.changes {
			t.Errorf("after %s: %d %s, ETag %s was %s", step.text, a.code, a.body, a.header.Get("ETag"), tag)
		}
		tag = a.header.Get("ETag")
		rev, err := s.bus.Job(t.Context(), j.ID)
		if d := rev.Event.Job.Disabled; err != nil || d == nil || d.Reason != step.reason || d.Until.IsZero() == step.ends {
			t.Errorf("after %s it is %+v, %v", step.text, d, err)
		}
	}
	history := string(s.native(http.MethodGet, "jobs/"+j.ID+"/history", ann, "").body)
	if n := strings.Count(history, `"by":"until"`); n != 1 {
		t.Errorf("enabled %d times: %s", n, history)
	}
	if !strings.Contains(history, `{"field":"disabled.reason","after":"b"}`) || !strings.Contains(history, `"reason":"move of the NAS","until":"`) {
		t.Errorf("history %s", history)
	}
}

// v1 disables without an end, whatever was said before.
func TestV1DisablesWithoutEnd(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	s.native(http.MethodPost, "jobs/"+j.ID+"/disable", s.admin, terms("a", time.Now().Add(time.Hour)))
	want := `{"status":"OK","disabled_jobs":"` + j.ID + `"}`
	for range 2 {
		if a := s.post("disable_job", `{"job_id":"`+j.ID+`"}`); strings.TrimSpace(string(a.body)) != want {
			t.Errorf("v1 answers %s; want %s", a.body, want)
		}
	}
	if d := s.becomes(j.ID, events.Disabled).Job.Disabled; !d.Until.IsZero() {
		t.Errorf("it is disabled %+v", d)
	}
}

// Whoever does not reach a job cannot have it enabled later.
func TestUntilNeedsReach(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.user("ann", events.Operator), body{}.String())
	token, narrow := events.NewToken("ann", events.Operator, time.Now())
	token.Paths = []string{"ann/elsewhere/"}
	s.enter(token, narrow)
	wantFault(t, s.native(http.MethodPost, "jobs/"+j.ID+"/disable", narrow, terms("", time.Now().Add(time.Hour))), http.StatusForbidden, "lies outside")
	if a := s.native(http.MethodPost, "jobs/"+j.ID+"/disable", narrow, ""); a.code != http.StatusOK {
		t.Errorf("answer %d %s", a.code, a.body)
	}
}

// What came due while no gateway ran is done when one starts.
func TestUntilAfterRestart(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	s.native(http.MethodPost, "jobs/"+j.ID+"/disable", s.admin, terms("", time.Now().Add(500*time.Millisecond)))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(600 * time.Millisecond)
	if ev := s.becomes(j.ID, events.Disabled); ev.Job.Disabled.Until.After(time.Now()) {
		t.Fatal("it is not due yet")
	}
	s.start()
	if ev := s.becomes(j.ID, events.Enabled); ev.By != events.ByUntil {
		t.Errorf("enabled by %+v", ev)
	}
}
