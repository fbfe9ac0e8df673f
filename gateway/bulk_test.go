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
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

type reruns struct {
	Count, Queued, Left int
	Stopped             string
	Skipped             []struct {
		TriggerID string `json:"trigger_id"`
		Message   string
	}
}

// bulk asks for reruns by filter.
func (s *harness) bulk(token, body string, status int) reruns {
	s.t.Helper()
	return into[reruns](s.t, s.native(http.MethodPost, "results/rerun", token, body), status)
}

// again gives the executions that are queued to be run again, in their order.
func (s *harness) again(jobID string) (origins []string) {
	s.t.Helper()
	err := s.bus.Triggers(events.KindManual, jobID).Since(s.t.Context(), time.Time{}, func(m jet.Entry[events.Trigger]) bool {
		trigger, err := m.Value()
		if err != nil {
			s.t.Error(err)
		}
		origins = append(origins, strings.TrimPrefix(strings.TrimPrefix(trigger.RerunOf, "cron:"+jobID+":"), "file:"+jobID+":"))
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return origins
}

func TestRerunMany(t *testing.T) {
	drives, err := drive.New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Drives = drives }))
	olga := s.user("olga", events.Operator)
	j, _ := s.made(s.admin, body{}.String())
	theirs, _ := s.made(olga, body{binary: `"olga/r/fs/D/f"`, input: `"olga/r/fs/D/in"`}.String())
	base := time.Now().Add(-time.Hour).UTC()
	slot := func(job string, n int, status events.Status) events.Result {
		return events.Result{
			TriggerID: events.CronTriggerID(job, events.Minute(n)), JobID: job, Kind: events.KindCron, Minute: events.Minute(n),
			TriggeredAt: base.Add(time.Duration(n) * time.Minute), Status: status, FlowJobID: fmt.Sprintf("run-%d", n), EndedNS: time.Now().UnixNano(),
		}
	}
	ended := func(r events.Result, status events.Status, message string) {
		ev := events.RunEvent{Phase: events.Ended, At: time.Now(), JobID: r.JobID, FlowJobID: r.FlowJobID, Status: status, Message: message, Attempt: 1}
		if err := s.bus.PutRunEvent(t.Context(), ev, 0); err != nil {
			t.Fatal(err)
		}
	}
	stage := func(name string) *events.File {
		return &events.File{Path: name, Fingerprint: name, InputDir: "a/r/fs/D/.spool/" + j.ID + "/" + name + "/input"}
	}
	keep := func(n int, status events.Status, run events.Status, message string, edit func(*events.Result)) {
		r := slot(j.ID, n, status)
		if edit != nil {
			edit(&r)
		}
		s.keep(r)
		if run != "" {
			ended(r, run, message)
		}
	}
	keep(9, events.OK, events.ERROR, "exit status 1", nil)
	keep(3, events.OK, events.ERROR, "exit status 1", nil) // called after a later one
	keep(4, events.OK, events.OK, "", nil)
	keep(5, events.ERROR, "", "", nil) // its call failed
	keep(6, events.OK, events.ERROR, "cancelled by admin", nil)
	keep(7, events.OK, "", "", nil) // goes on
	keep(8, events.OK, events.ERROR, "exit status 1", nil)
	keep(20, events.OK, events.OK, "", func(r *events.Result) { // 8 was run again, and is well
		r.Kind, r.TriggerID, r.RerunOf = events.KindManual, events.ManualTriggerID(j.ID, "again"), events.CronTriggerID(j.ID, 8)
	})
	keep(21, events.OK, events.ERROR, "exit status 1", func(r *events.Result) {
		r.Kind, r.File, r.TriggerID = events.KindFile, stage("gone"), events.FileTriggerID(j.ID, "gone")
	})
	r := slot(theirs.ID, 1, events.ERROR)
	r.TriggerID = events.CronTriggerID(theirs.ID, 1)
	s.keep(r)
	filter := `{"filter":{"outcome":"failed","job_id":"` + j.ID + `"}`
	if got := s.bulk(s.admin, filter+`}`, http.StatusOK); got.Count != 4 || got.Queued != 0 || got.Left != 3 ||
		len(got.Skipped) != 1 || !strings.Contains(got.Skipped[0].Message, "is not kept any more") || s.again(j.ID) != nil {
		t.Errorf("counted %+v; queued %v", got, s.again(j.ID))
	}
	wantFault(t, s.native(http.MethodPost, "results/rerun", s.admin, filter+`,"expect":3}`), http.StatusConflict, "expect: is 3, and the filter means 4 executions now: nothing was run again")
	if got := s.bulk(s.admin, filter+`,"expect":4}`, http.StatusAccepted); got.Queued != 3 || got.Left != 0 || len(got.Skipped) != 1 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{"3", "5", "9"}, s.again(j.ID)); diff != "" {
		t.Error(diff)
	}
	s.bulk(s.admin, filter+`,"expect":4}`, http.StatusAccepted) // sent twice
	if got := s.again(j.ID); len(got) != 3 {
		t.Errorf("queued %v", got)
	}

	since := `"since":"` + base.Add(4*time.Minute).Format(time.RFC3339) + `"`
	for query, want := range map[string]int{
		`{` + since + `}`: 3, // all of one's own: not 3, which is older
		`{"username":"*","since":"2020-01-01T00:00:00Z"}`:                                                         5,
		`{"username":"olga","since":"2020-01-01T00:00:00Z"}`:                                                      1,
		`{"outcome":"cancelled",` + since + `}`:                                                                   1,
		`{"outcome":"ok",` + since + `}`:                                                                          2,
		`{` + since + `,"until":"` + base.Add(6*time.Minute).Format(time.RFC3339) + `"}`:                          1,
		`{"job_id":"` + j.ID + `","until":"` + base.Add(time.Minute).Format(time.RFC3339) + `"}`:                  0,
		`{"job_id":"` + j.ID + `","outcome":"failed","since":"` + base.Add(time.Hour).Format(time.RFC3339) + `"}`: 0,
	} {
		if got := s.bulk(s.admin, `{"filter":`+query+`}`, http.StatusOK); got.Count != want {
			t.Errorf("%s: %+v, want %d", query, got, want)
		}
	}
	if got := s.bulk(olga, `{"filter":{"since":"2020-01-01T00:00:00Z"}}`, http.StatusOK); got.Count != 1 {
		t.Errorf("olga: %+v", got)
	}
	for _, c := range []struct {
		token, body, says string
		status            int
	}{
		{s.admin, `{"filter":{}}`, "filter.since: is required where no job_id is given", 400},
		{s.admin, `{"filter":{"outcom":"failed"}}`, `filter.outcom: unknown key, did you mean "outcome"?`, 400},
		{s.admin, `{"filter":{"outcome":"bad"}}`, "filter.outcome: \"bad\" is not one of", 400},
		{s.admin, `{"filter":{"since":"yesterday"}}`, "filter.since: \"yesterday\" is not an RFC 3339 time", 400},
		{s.admin, `{"filter":[]}`, "filter: must be an object", 400},
		{s.admin, `{"filtre":{}}`, `filtre: unknown key, did you mean "filter"?`, 400},
		{s.admin, `{"filter":{"job_id":"x"},"expect":-1}`, "expect: must be how many executions", 400},
		{olga, `{"filter":{"job_id":"` + j.ID + `"}}`, "no such job", 404},
		{olga, `{"filter":{"username":"*","since":"2020-01-01T00:00:00Z"}}`, "only administrators may name another user", 403},
		{s.user("vera", events.Viewer), `{"filter":{"since":"2020-01-01T00:00:00Z"}}`, "may only read", 403},
	} {
		wantFault(t, s.native(http.MethodPost, "results/rerun", c.token, c.body), c.status, c.says)
	}
}
