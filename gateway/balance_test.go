package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

type balanced struct {
	Day, From, To, Timezone string
	Totals                  map[string]balancedSum
	Jobs                    []struct {
		ID     string `json:"job_id"`
		Sums   map[string]balancedSum
		Folder *struct{ Pending, Unmarked int }
	}
	Next string `json:"next_page_token"`
}

type balancedSum struct {
	Total  int
	Counts []struct {
		Is     string
		Count  int
		Filter string
	}
}

// both gives the balances of yesterday and today of a job, added up: a test may run at midnight.
func (s *harness) both(token, job string) map[string]map[string]int {
	s.t.Helper()
	all := map[string]map[string]int{}
	for _, day := range []time.Time{time.Now().UTC().AddDate(0, 0, -1), time.Now().UTC()} {
		name := day.Format(time.DateOnly)
		a := s.native(http.MethodGet, "balance?day="+name+"&job_id="+job, token, "")
		var b balanced
		if err := json.Unmarshal(a.body, &b); a.code != http.StatusOK || err != nil {
			s.t.Fatalf("%d %s", a.code, a.body)
		}
		for _, j := range b.Jobs {
			for of, sum := range j.Sums {
				if all[of] == nil {
					all[of] = map[string]int{}
				}
				all[of]["total"] += sum.Total
				listed, counted := 0, 0
				for _, c := range sum.Counts {
					all[of][c.Is] += c.Count
					counted += c.Count
					listed += s.listedEntries(token, c.Filter)
					if n := s.listedEntries(token, c.Filter); n != c.Count {
						s.t.Errorf("%s %s: counted %d, and its filter lists %d", of, c.Is, c.Count, n)
					}
				}
				if counted != sum.Total || listed != sum.Total {
					s.t.Errorf("%s of %s: total %d, counts %d, lists %d", of, name, sum.Total, counted, listed)
				}
			}
		}
	}
	return all
}

// listedEntries adds up what a filter lists, in small pages.
func (s *harness) listedEntries(token, filter string) (n int) {
	s.t.Helper()
	for next := ""; ; {
		a := s.native(http.MethodGet, strings.TrimPrefix(filter, "/api/v2/")+"&limit=2"+next, token, "")
		var page struct {
			Entries []struct {
				Count int
				At    time.Time
			}
			Next string `json:"next_page_token"`
		}
		if err := json.Unmarshal(a.body, &page); a.code != http.StatusOK || err != nil {
			s.t.Fatalf("%s: %d %s", filter, a.code, a.body)
		}
		for _, e := range page.Entries {
			n += e.Count
		}
		if page.Next == "" {
			return n
		}
		next = "&page_token=" + page.Next
	}
}

// Every slot has one place in the balance, whatever became of it.
func TestBalanceOfSlots(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	id := s.ok(s.send(http.MethodPost, v1Path+"create_job", ann, body{schedule: `"* * * * *"`}.String())).field("job_id")
	rev, err := s.bus.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Minute)
	minute := events.MinuteOf(now)
	old := rev.Event // as if it had been like this for two hours
	old.Event, old.Job.EffectiveFrom = events.JobUpdated, now.Add(-2*time.Hour)
	seq, err := s.bus.PutJob(t.Context(), old, rev.Seq)
	if err == nil {
		err = s.bus.JobEvents(id).Keep(t.Context(), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []events.Verdict{
		{JobID: id, From: minute - 60, To: minute - 51, Verdict: events.VerdictMissed, Reason: "not running"},
		{JobID: id, From: minute - 31, To: minute - 31, Verdict: events.VerdictSkipped, TriggerID: events.ManualTriggerID(id, "skipped"), At: now},
	} {
		if err := s.bus.CopyVerdict(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	result := func(trigger string, kind events.Kind, minute events.Minute, status events.Status, flow string) events.Result {
		return events.Result{
			TriggerID: trigger, JobID: id, Kind: kind, Minute: minute, TriggeredAt: now, Status: status, FlowJobID: flow,
			HTTP: events.HTTPResult{Status: "200", Response: "why"},
		}
	}
	cron := func(back events.Minute, status events.Status, flow string) events.Result {
		r := result(events.CronTriggerID(id, minute-back), events.KindCron, minute-back, status, flow)
		r.TriggeredAt = now.Add(-time.Duration(back) * time.Minute)
		return r
	}
	dead := result(events.ManualTriggerID(id, "dead"), events.KindManual, 0, events.ERROR, "")
	if err := s.bus.PutDead(t.Context(), events.Trigger{ID: dead.TriggerID, JobID: id}, dead); err != nil {
		t.Fatal(err)
	}
	s.keep(cron(20, events.OK, "f-ok"), cron(19, events.OK, "f-failed"), cron(18, events.OK, "f-runs"), cron(17, events.OK, "f-waits"), cron(16, events.ERROR, ""), cron(15, events.OK, ""),
		result(events.ManualTriggerID(id, "ok"), events.KindManual, 0, events.OK, "f-ok"), dead)
	for _, ev := range []events.RunEvent{
		{FlowJobID: "f-ok", Phase: events.Ended, Status: events.OK},
		{FlowJobID: "f-ok", Phase: events.Started},
		{FlowJobID: "f-failed", Phase: events.Ended, Status: events.ERROR, Message: "exit status 3"},
		{FlowJobID: "f-runs", Phase: events.Started},
		{FlowJobID: "f-waits", Phase: events.Accepted},
	} {
		ev.JobID, ev.At = id, now
		if err := s.bus.PutRunEvent(t.Context(), ev, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.bus.CommitPass(t.Context(), events.Clock{From: minute - 3, Minute: minute - 2, JobsSeq: seq}, 0, events.Answers{
		Fired: []events.Trigger{{ID: events.CronTriggerID(id, minute-2), JobID: id, Kind: events.KindCron, Minute: minute - 2, At: now}},
	}); err != nil {
		t.Fatal(err)
	}
	eventstest.AwayFromTheMinute()
	got := s.both(ann, id)
	late := int(events.MinuteOf(time.Now()) - minute) // minutes that have gone by since
	want := map[string]map[string]int{
		"slots":  {"total": 120 + late, "missed": 10, "ok": 1, "failed": 2, "running": 1, "queued": 2, "called": 1, "pending": 2 + late, "fired": 101},
		"manual": {"total": 3, "ok": 1, "dead": 1, "skipped": 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a := s.native(http.MethodGet, "balance?job_id="+id, s.user("bob", events.Operator), ""); a.code != http.StatusNotFound {
		t.Errorf("somebody else's: %d %s", a.code, a.body)
	}
	for _, query := range []string{"balance?day=tomorrow", "balance?day=2999-01-01", "balance/entries?day=2026-01-01", "balance?days=1"} {
		if a := s.native(http.MethodGet, query, ann, ""); a.code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, a.code, a.body)
		}
	}
}

// Every file of the ledger has one, and those that have left it.
func TestBalanceOfFiles(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	id := s.ok(s.send(http.MethodPost, v1Path+"create_job", ann, body{settings: `{"spooled_mode":true}`}.String())).field("job_id")
	trigger := func(name string) events.Trigger {
		f := events.NewFile(name)
		f.Fingerprint = events.Hash(name)
		return events.Trigger{ID: events.FileTriggerID(id, f.Fingerprint), JobID: id, Kind: events.KindFile, File: f}
	}
	var triggers []events.Trigger
	for n := range 10 {
		triggers = append(triggers, trigger(fmt.Sprint("scan", n, ".pdf")))
	}
	if _, err := s.bus.CommitFiles(t.Context(), triggers); err != nil {
		t.Fatal(err)
	}
	held := trigger("held.pdf").File
	if err := s.bus.HoldFiles(t.Context(), []events.Held{{JobID: id, Path: held.Path, Fingerprint: held.Fingerprint, Ring: "a -> b", At: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	ends := func(t events.Trigger, status events.Status) events.Result {
		return events.Result{TriggerID: t.ID, JobID: id, Kind: events.KindFile, File: t.File, TriggeredAt: time.Now(), Status: status, HTTP: events.HTTPResult{Status: "200"}}
	}
	gone := trigger("moved.pdf") // and forgotten by the ledger since
	s.keep(ends(triggers[0], events.OK), ends(triggers[1], events.OK), ends(triggers[2], events.ERROR), ends(gone, events.OK))
	for _, done := range triggers[:5] { // the queue has them no more
		if err := s.bus.File(id, done.File.Fingerprint).Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.bus.CopyVerdict(t.Context(), events.Verdict{JobID: id, From: 1, To: 1, Verdict: "deleted", TriggerID: triggers[3].ID, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := s.bus.PutFolderStates(t.Context(), []events.WatchState{{JobID: id, State: "live", Pending: 3}}, nil); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]int{"files": {"total": 12, "called": 3, "failed": 1, "deleted": 1, "gone": 1, "queued": 5, "held": 1}}
	if diff := cmp.Diff(want, s.both(ann, id)); diff != "" {
		t.Error(diff)
	}
	var b balanced
	a := s.native(http.MethodGet, "balance", ann, "")
	if err := json.Unmarshal(a.body, &b); err != nil || len(b.Jobs) != 1 || b.Jobs[0].Folder == nil || b.Jobs[0].Folder.Pending != 3 || b.Totals["files"].Total == 0 {
		t.Errorf("%s", a.body)
	}
}
