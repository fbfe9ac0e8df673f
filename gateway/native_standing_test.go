package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/schedule"
)

// standing is the jobs of the tests of lists: what each of them has done.
type standing struct {
	*harness
	alice string // token of their owner
	ids   map[string]string
}

// execution of a job: the outcome of its call, and what its run says.
type execution struct {
	call   events.Outcome
	phases []events.Phase
	status events.Status
	said   string
}

func newStanding(t *testing.T) *standing {
	t.Helper()
	s := &standing{harness: newHarness(t), ids: map[string]string{}}
	s.alice = s.user("alice", events.Operator)
	ran := func(status events.Status) execution {
		return execution{call: events.OutcomeWaiting, phases: []events.Phase{events.Started, events.Ended}, status: status}
	}
	began := execution{call: events.OutcomeWaiting, phases: []events.Phase{events.Started}}
	for _, j := range []struct {
		name, schedule, settings string
		did                      []execution
	}{
		{"backup", `"30 2 * * *"`, `{"tags":["nas","night"]}`, []execution{ran(events.OK)}},
		{"Invoices", `"0 4 * * *"`, `{"tags":["night"]}`, []execution{ran(events.OK), ran(events.ERROR), ran(events.ERROR)}},
		{"mended", `"0 * * * *"`, "", []execution{ran(events.ERROR), ran(events.OK)}},
		{"goes on", `"* * * * *"`, "", []execution{ran(events.ERROR), began}},
		{"foreign", `"@monthly"`, "", []execution{{call: events.OutcomeCalled}}},
		{"dead", `"@yearly"`, "", []execution{{call: events.OutcomeGaveUp}}},
		{"new", `"0 0 * * 1"`, "", nil},
		{"stopped", `"* * * * *"`, "", []execution{{call: events.OutcomeWaiting, phases: []events.Phase{events.Started, events.Ended}, status: events.ERROR, said: events.CancelledBy + "alice"}}},
		{"first run", `"0 1 1 1 *"`, "", []execution{began}},
	} {
		made, _ := s.made(s.alice, body{name: `"` + j.name + `"`, schedule: j.schedule, settings: j.settings}.String())
		s.ids[j.name] = made.ID
		for n, e := range j.did {
			s.execute(made.ID, n+1, e)
		}
	}
	s.native(http.MethodPost, "jobs/"+s.ids["stopped"]+"/disable", s.alice, `{"reason":"the NAS moves"}`)
	other, _ := s.made(s.admin, body{name: `"hers"`}.String())
	s.ids["hers"] = other.ID
	s.execute(other.ID, 1, ran(events.ERROR))
	eventstest.Eventually(t, "all is indexed", func() bool {
		list, _ := s.listed(s.admin, "username=*&state=failing")
		mended, _ := s.listed(s.alice, "state=ok")
		return list == "Invoices goes on dead hers" && mended == "backup mended"
	})
	return s
}

// execute stores an execution as dispatcher and runner do. The run is told of before the result: so it can come.
func (s *standing) execute(jobID string, n int, e execution) {
	s.t.Helper()
	trigger := events.CronTriggerID(jobID, events.Minute(n))
	flow := events.FlowJobID("alice", trigger)
	now := time.Now()
	for _, phase := range e.phases {
		ev := events.RunEvent{
			Phase: phase, At: now, FlowJobID: flow, JobID: jobID, TriggerID: trigger, Owner: "alice", Attempt: 1,
			BinaryPath: "a/r/fs/D/f", InputDir: "a/r/fs/D/in", OutputFolder: "a/r/fs/D/out",
		}
		if phase == events.Ended {
			ev.StartedAt, ev.Status, ev.Message = now.Add(-time.Duration(n)*time.Second), e.status, e.said
		}
		if err := s.bus.PutRunEvent(s.t.Context(), ev, 0); err != nil {
			s.t.Fatal(err)
		}
	}
	r := events.Result{
		TriggerID: trigger, JobID: jobID, Kind: events.KindCron, Minute: events.Minute(n), TriggeredAt: now, StartedAt: now, EndedNS: now.UnixNano(),
		Status: events.OK, Outcome: e.call, Attempts: 1, HTTP: events.HTTPResult{Status: "200", Response: "ok"},
	}
	if e.phases != nil {
		r.FlowJobID = flow
	}
	if e.call == events.OutcomeGaveUp || e.call == events.OutcomeFailed {
		r.Status, r.HTTP = events.ERROR, events.HTTPResult{Status: "0", Response: "connection refused"}
		r.Judge(e.call == events.OutcomeGaveUp, true)
	}
	if err := s.bus.PutResult(s.t.Context(), r); err != nil {
		s.t.Fatal(err)
	}
}

func TestJobsByState(t *testing.T) {
	s := newStanding(t)
	eventstest.AwayFromTheMinute()
	now := time.Now()
	by := now.Add(2 * time.Minute)
	soon := url.QueryEscape(by.Format(time.RFC3339))
	next := map[string]time.Time{}
	var due []string // more than one at a full hour
	for _, j := range [][2]string{
		{"backup", "30 2 * * *"},
		{"Invoices", "0 4 * * *"},
		{"mended", "0 * * * *"},
		{"goes on", "* * * * *"},
		{"foreign", "@monthly"},
		{"dead", "@yearly"},
		{"new", "0 0 * * 1"},
		{"first run", "0 1 1 1 *"},
	} {
		slots, err := schedule.Parse(j[1], time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		next[j[0]] = slots.Next(now)
		if !next[j[0]].After(by) {
			due = append(due, j[0])
		}
	}
	inTurn := "Invoices foreign"
	if next["foreign"].Before(next["Invoices"]) { // on the last day of a month
		inTurn = "foreign Invoices"
	}
	for _, c := range []struct{ query, want string }{
		{"state=failing", "Invoices goes on dead"},
		{"state=running", "goes on first run"},
		{"state=waiting", ""},
		{"state=never_ran", "new"},
		{"state=disabled", "stopped"},
		{"state=ok", "backup mended"},
		{"state=cancelled", "stopped"},
		{"state=called", "foreign"},
		{"state=gave_up", "dead"},
		{"state=failed", "Invoices goes on"},
		{"tag=night", "backup Invoices"},
		{"tag=nig", ""},
		{"q=NIGHT", "backup Invoices"},
		{"q=" + s.ids["dead"], "dead"},
		{"q=invo&state=failing", "Invoices"},
		{"failed_since=2020-01-01T00:00:00Z", "Invoices mended goes on dead"},
		{"failed_since=2090-01-01T00:00:00Z", ""},
		{"next_before=" + soon, strings.Join(due, " ")},
		{"had=missed", ""},
		{"sort=name", "backup dead first run foreign goes on Invoices mended new stopped"},
		{"sort=-name", "stopped new mended Invoices goes on foreign first run dead backup"},
		{"sort=-created", "first run stopped new dead foreign goes on mended Invoices backup"},
		{"sort=outcome&tag=night", "Invoices backup"},
		{"sort=next&mode=cron&q=o", "goes on " + inTurn + " stopped"},
		{"sort=-last&state=failing", "dead goes on Invoices"},
	} {
		for _, limit := range []string{"&limit=1000", "&limit=1", "&limit=2"} {
			if strings.Contains(c.query, "-last") && limit != "&limit=1000" {
				continue // they may be of the same second, in the order of their ids
			}
			got, _ := s.listed(s.alice, c.query+limit)
			if strings.Contains(c.query, "-last") {
				got, c.want = fmt.Sprint(len(got)), fmt.Sprint(len(c.want))
			}
			if got != c.want {
				t.Errorf("%s%s lists %q; want %q", c.query, limit, got, c.want)
			}
		}
	}
	for _, c := range []struct{ query, want string }{
		{"sort=next&page_token=" + s.token("jobs?sort=name&limit=1"), "page_token: is of a list with sort=name"},
		{"state=broken", `state: \"broken\" is not one of failing, running`},
		{"had=fired", `had: \"fired\" is not one of missed`},
		{"failed_since=yesterday", "failed_since:"},
		{"username=bob", "only administrators"},
	} {
		if a := s.native(http.MethodGet, "jobs?"+c.query, s.alice, ""); a.code < 400 || !strings.Contains(string(a.body), c.want) {
			t.Errorf("%s: %d %s; want %s", c.query, a.code, a.body, c.want)
		}
	}
}

// A failure that is acknowledged leaves what is failing, until it is taken back or the job fails again.
func TestAnAcknowledgedFailureIsNotFailing(t *testing.T) {
	s := newStanding(t)
	ack := func(name string, n int, withdrawn bool) {
		t.Helper()
		a := events.Ack{JobID: s.ids[name], TriggerID: events.CronTriggerID(s.ids[name], events.Minute(n)), By: "alice", At: time.Now(), Withdrawn: withdrawn}
		if err := s.bus.PutAck(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	failing := func(want string) {
		t.Helper()
		eventstest.Eventually(t, "failing is "+want, func() bool {
			list, _ := s.listed(s.alice, "state=failing")
			return list == want
		})
	}
	ack("Invoices", 2, false) // not the last
	ack("dead", 1, false)
	failing("Invoices goes on")
	ack("Invoices", 3, false)
	failing("goes on")
	if list, _ := s.listed(s.alice, "state=failed"); list != "Invoices goes on" {
		t.Errorf("failed are %s", list)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.start()
	if list, _ := s.listed(s.alice, "state=failing"); list != "goes on" && list != "" { // how the one that goes on came out before is filled in
		t.Errorf("after a restart failing are %s", list)
	}
	ack("dead", 1, true)
	s.execute(s.ids["Invoices"], 4, execution{call: events.OutcomeWaiting, phases: []events.Phase{events.Started, events.Ended}, status: events.ERROR})
	failing("Invoices goes on dead")
}

// token gives the next_page_token of a call.
func (s *standing) token(path string) string {
	s.t.Helper()
	return into[struct {
		Next string `json:"next_page_token"`
	}](s.t, s.native(http.MethodGet, path, s.alice, ""), http.StatusOK).Next
}

func TestARowSaysHowAJobStands(t *testing.T) {
	s := newStanding(t)
	type row struct {
		Outcome, Now, Description, Timezone string
		RunningSince                        string `json:"running_since"`
		NextRun                             string `json:"next_run"`
		Tags                                []string
		Recent                              []struct {
			Outcome    string
			DurationMS *int   `json:"duration_ms"`
			TriggerID  string `json:"trigger_id"`
		}
		LastResult *struct{ Outcome, Status string } `json:"last_result"`
		Disabled   *struct{ By, Reason string }
	}
	page := into[struct {
		Jobs  []row
		Total struct {
			Count int
			Exact bool
		}
	}](t, s.native(http.MethodGet, "jobs?sort=name&limit=6", s.alice, ""), http.StatusOK)
	if page.Total.Count != 9 || !page.Total.Exact || len(page.Jobs) != 6 {
		t.Fatalf("%d jobs of %+v", len(page.Jobs), page.Total)
	}
	ok, goes, invoices, first := page.Jobs[0], page.Jobs[4], page.Jobs[5], page.Jobs[2]
	if ok.Outcome != "ok" || ok.Now != "" || ok.NextRun == "" || ok.Timezone != "UTC" || ok.Description != "At 02:30 every day (UTC)." || cmp.Diff([]string{"nas", "night"}, ok.Tags) != "" {
		t.Errorf("a job that runs well is %+v", ok)
	}
	if len(ok.Recent) != 1 || ok.Recent[0].DurationMS == nil || *ok.Recent[0].DurationMS != 1000 || ok.Recent[0].TriggerID != events.CronTriggerID(s.ids["backup"], 1) {
		t.Errorf("its executions are %+v", ok.Recent)
	}
	if goes.Outcome != "failed" || goes.Now != "running" || goes.RunningSince == "" || goes.LastResult.Outcome != "running" {
		t.Errorf("a job that runs, and failed before, is %+v", goes)
	}
	if len(invoices.Recent) != 3 || invoices.Recent[0].Outcome != "failed" || invoices.Recent[2].Outcome != "ok" || *invoices.Recent[0].DurationMS != 3000 {
		t.Errorf("executions are %+v", invoices.Recent)
	}
	if first.Outcome != "" || first.Now != "running" {
		t.Errorf("a job that runs for the first time is %+v", first)
	}
	one := into[row](t, s.native(http.MethodGet, "jobs/"+s.ids["new"], s.alice, ""), http.StatusOK)
	if one.Outcome != "never_ran" || one.LastResult != nil || one.Recent == nil || one.Tags == nil {
		t.Errorf("a job that never ran is %+v", one)
	}
	// Another start knows the same.
	eventstest.AwayFromTheMinute()
	before := s.native(http.MethodGet, "jobs?sort=name&limit=1000", s.alice, "").body
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.start()
	var after []byte
	eventstest.Eventually(t, "the same as before the restart", func() bool {
		after = s.native(http.MethodGet, "jobs?sort=name&limit=1000", s.alice, "").body
		return cmp.Equal(withoutKnown(t, before), withoutKnown(t, after))
	})
	if diff := cmp.Diff(withoutKnown(t, before), withoutKnown(t, after)); diff != "" {
		t.Errorf("-before the restart +after:\n%s", diff)
	}
}

func withoutKnown(t *testing.T, page []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(page, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "known_from")
	return m
}

func TestOverview(t *testing.T) {
	s := newStanding(t)
	type view struct {
		Jobs   int
		States []struct {
			State, Filter string
			Count         int
		}
		Next    []struct{ Starts int }
		Failing []struct {
			Name, Outcome, Why string
			TriggerID          string `json:"trigger_id"`
		}
		Dead struct{ Count int } `json:"dead_letters"`
	}
	o := into[view](t, s.native(http.MethodGet, "overview", s.alice, ""), http.StatusOK)
	counts := map[string]int{}
	for _, c := range o.States {
		counts[c.State] = c.Count
		list, _ := s.listed(s.alice, strings.TrimPrefix(c.Filter, "/api/v2/jobs?"))
		named := 0
		for name := range s.ids {
			if strings.Contains(" "+list+" ", " "+name+" ") {
				named++
			}
		}
		if named != c.Count {
			t.Errorf("%d jobs are %s, and %s lists %q", c.Count, c.State, c.Filter, list)
		}
	}
	want := map[string]int{"failing": 3, "running": 2, "never_ran": 1, "disabled": 1, "ok": 2, "failed": 2, "gave_up": 1, "cancelled": 1, "called": 1}
	if diff := cmp.Diff(want, counts); diff != "" || o.Jobs != 9 {
		t.Errorf("%d jobs (-want +got):\n%s", o.Jobs, diff)
	}
	starts := 0
	for _, part := range o.Next {
		starts += part.Starts
	}
	if len(o.Next) != 12 || starts < 60 {
		t.Errorf("%d starts in %d parts of an hour", starts, len(o.Next))
	}
	whys := map[string]string{}
	for _, f := range o.Failing {
		whys[f.Name] = f.Outcome + ": " + f.Why
	}
	if !strings.Contains(whys["Invoices"], "failed: f failed after 3s") || !strings.Contains(whys["dead"], "gave_up: given up after 1 call: no answer: connection refused") || len(whys) != 3 {
		t.Errorf("failing are %v", whys)
	}
	all := into[view](t, s.native(http.MethodGet, "overview?username=*&limit=1", s.admin, ""), http.StatusOK)
	if all.Jobs != 10 || len(all.Failing) != 1 || all.States[0].Count != 4 || !strings.HasSuffix(all.States[0].Filter, "username=%2A") {
		t.Errorf("everybody's are %+v", all)
	}
	if a := s.native(http.MethodGet, "overview?username=bob", s.alice, ""); a.code != http.StatusForbidden {
		t.Errorf("another's: %d %s", a.code, a.body)
	}
	none := into[view](t, s.native(http.MethodGet, "overview", s.user("bob", events.Viewer), ""), http.StatusOK)
	if none.Jobs != 0 || len(none.States) != 0 || none.Failing == nil {
		t.Errorf("who has no jobs sees %+v", none)
	}
}
