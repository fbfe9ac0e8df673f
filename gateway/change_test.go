package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway"
)

func TestReadsItsOwnWrites(t *testing.T) {
	s := newHarness(t)
	var wg sync.WaitGroup
	for n := range 8 {
		name := fmt.Sprintf("user%d", n)
		token := s.user(name, events.Operator)
		wg.Go(func() {
			for range 10 {
				id := s.create(token, "mine")
				byID := `{"job_id":"` + id + `"}`
				for _, step := range []struct{ call, status string }{
					{"", "ENABLED"}, {"disable_job", "DISABLED"}, {"enable_job", "ENABLED"},
				} {
					if step.call != "" {
						s.ok(s.send(http.MethodPost, v1Path+step.call, token, byID))
					}
					jobs, _ := s.list(token, "")
					if len(jobs) != 1 || jobs[0].ID != id || jobs[0].Status != step.status {
						t.Errorf("right after %q the list is %+v", step.call, jobs)
					}
				}
				s.ok(s.send(http.MethodPost, v1Path+"delete_job", token, byID))
				if jobs, _ := s.list(token, ""); len(jobs) != 0 {
					t.Errorf("right after delete_job the list is %+v", jobs)
				}
			}
		})
	}
	wg.Wait()
}

func TestGatewaysShareNothingButTheBroker(t *testing.T) {
	s := newHarness(t)
	other, err := gateway.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.background(other.Run)
	eventstest.Eventually(t, "the other is ready", func() bool { return other.Check() == nil })
	first := s.base
	s.serve(other)
	for range 20 {
		second := s.base
		s.base = first
		id := s.create(s.admin, "one")
		s.base = second
		if jobs, _ := s.list(s.admin, ""); len(jobs) != 1 || jobs[0].ID != id {
			t.Fatalf("the other gateway lists %+v", jobs)
		}
		s.post("delete_job", `{"delete_all":true}`)
	}
}

func TestChangesLeaveATrail(t *testing.T) {
	s := newHarness(t)
	alice := s.user("alice", events.Operator)
	before := time.Now()
	id := s.create(alice, "job")
	byID := `{"job_id":"` + id + `"}`
	for _, call := range []string{
		"enable_job", // is enabled already: no event
		"disable_job", "disable_job", "enable_job", "enable_job",
	} {
		s.post(call, byID) // by the admin
	}
	var trail []string
	var evs []events.JobEvent
	err := s.bus.JobEvents(id).Since(t.Context(), time.Time{}, func(m jet.Entry[events.JobEvent]) bool {
		ev, err := m.Value()
		if err != nil {
			t.Error(err)
		}
		evs = append(evs, ev)
		trail = append(trail, fmt.Sprint(ev.Event, " by ", ev.By, " from ", ev.From, " ", ev.Job.Status))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"created by alice from 127.0.0.1 ENABLED",
		"disabled by admin from 127.0.0.1 DISABLED",
		"enabled by admin from 127.0.0.1 ENABLED",
	}
	if diff := cmp.Diff(want, trail); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	created, disabled, enabled := evs[0].Job, evs[1].Job, evs[2].Job
	if created.EffectiveFrom.Before(before) || created.EffectiveFrom.UnixNano() != created.CreatedOnNS {
		t.Errorf("created at %v, effective from %v", created.CreatedOnNS, created.EffectiveFrom)
	}
	if !disabled.EffectiveFrom.Equal(created.EffectiveFrom) || !enabled.EffectiveFrom.After(created.EffectiveFrom) {
		t.Errorf("effective from %v, %v, %v", created.EffectiveFrom, disabled.EffectiveFrom, enabled.EffectiveFrom)
	}
	if created.Username != "alice" || enabled.Username != "alice" || len(enabled.Secrets) != 1 {
		t.Errorf("the job became %+v", enabled)
	}
	token, err := s.key.Open(enabled.Secrets[events.TokenPointer], id, events.TokenPointer)
	if err != nil || token != "t0ps3cret" {
		t.Errorf("the dispatcher opens %q, %v", token, err)
	}

	s.post("delete_job", byID)
	m, _, err := s.bus.JobEvents(id).Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var last events.JobEvent
	if err := json.Unmarshal(m.Data, &last); err != nil {
		t.Fatal(err)
	}
	last.Job.Parameters = nil // stored as null
	if last.Event != events.JobDeleted || !cmp.Equal(last.Job, events.Job{ID: id, Username: "alice", Name: "job", Status: events.Enabled}) {
		t.Errorf("the last event is %+v", last)
	}
	wantError(t, s.send(http.MethodPost, v1Path+"delete_job", s.admin, byID), "job_id: no such job")
}

func TestTriggerIsQueued(t *testing.T) {
	s := newHarness(t)
	alice := s.user("alice", events.Operator)
	id := s.create(alice, "job")
	byID := `{"job_id":"` + id + `"}`
	s.ok(s.send(http.MethodPost, v1Path+"disable_job", alice, byID)) // triggers run all the same
	rev, err := s.bus.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 3 {
		s.ok(s.send(http.MethodPost, v1Path+"trigger_job", alice, byID))
		m, _, err := s.bus.Triggers(events.KindManual, id).Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got events.Trigger
		if err := json.Unmarshal(m.Data, &got); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got.ID, "manual:"+id+":") || seen[got.ID] {
			t.Errorf("trigger %q", got.ID)
		}
		seen[got.ID] = true
		want := events.Trigger{ID: got.ID, JobID: id, Kind: events.KindManual, JobSeq: rev.Seq, At: got.At, By: "alice"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("trigger (-want +got):\n%s", diff)
		}
	}
}

func TestManyChangeOneJob(t *testing.T) {
	s := newHarness(t)
	id := s.create(s.admin, "job")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for i := range 10 {
				call := [2]string{"enable_job", "disable_job"}[(n+i)%2]
				a := s.send(http.MethodPost, v1Path+call, s.admin, `{"job_id":"`+id+`"}`)
				if a.code != http.StatusOK || a.status() != "OK" && !strings.Contains(a.msg(), "others keep changing") {
					t.Errorf("%s answers %d %s", call, a.code, a.body)
				}
			}
		})
	}
	wg.Wait()
	s.post("enable_job", `{"job_id":"`+id+`"}`)
	if jobs, _ := s.list(s.admin, ""); len(jobs) != 1 || jobs[0].Status != "ENABLED" {
		t.Errorf("the job ends as %+v", jobs)
	}
}

func TestDeleteAll(t *testing.T) {
	s := newHarness(t)
	alice, bob := s.user("alice", events.Operator), s.user("bob", events.Operator)
	deleteAll := func(token, body string, want ...string) {
		t.Helper()
		a := s.ok(s.send(http.MethodPost, v1Path+"delete_job", token, body))
		if got := a.field("deleted_jobs"); got != strings.Join(want, ",") {
			t.Errorf("deleted_jobs %q, want %q", got, want)
		}
	}
	a1, b1, a2, b2 := s.create(alice, "a1"), s.create(bob, "b1"), s.create(alice, "a2"), s.create(bob, "b2")
	mine := s.create(s.admin, "mine")
	deleteAll(alice, `{"delete_all":true}`, a1, a2)
	deleteAll(alice, `{"delete_all":true}`)
	if jobs, _ := s.list(s.admin, "?username=*"); names(jobs) != "b1 b2 mine" {
		t.Errorf("left are %s", names(jobs))
	}
	deleteAll(s.admin, `{"delete_all":true}`, mine)
	deleteAll(s.admin, `{"delete_all":true,"username":"bob"}`, b1, b2)
	var all []string
	for n := range 40 {
		all = append(all, s.create([2]string{alice, bob}[n%2], "x"))
	}
	deleteAll(s.admin, `{"delete_all":true,"job_id":null,"username":"*"}`, all...)
}
