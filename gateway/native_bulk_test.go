package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// bulkAnswer is a count, or how far an action is.
type bulkAnswer struct {
	Count  int
	First  []struct{ ID, Name string }
	ID     string `json:"bulk_id"`
	Action string
	State  string
	Done   int
	Failed []events.BulkFailure
	Fails  int `json:"failed_count"`
	By     string
}

// chosen selects things, and with a count has an action done with them.
func (s *harness) chosen(path, token, selection, action string, expect int, header ...string) answer {
	s.t.Helper()
	body := `{"select":` + selection + `,"action":"` + action + `"`
	if expect >= 0 {
		body += fmt.Sprintf(`,"expect":%d`, expect)
	}
	return s.native(http.MethodPost, path+"/bulk", token, body+"}", header...)
}

// through waits until an action has ended.
func (s *harness) through(token, id string) (b bulkAnswer) {
	s.t.Helper()
	eventstest.Eventually(s.t, "the action ends", func() bool {
		b = into[bulkAnswer](s.t, s.native(http.MethodGet, "bulk/"+id, token, ""), http.StatusOK)
		return b.State != "running"
	})
	return b
}

// all does an action with all that a selection means.
func (s *harness) all(path, token, selection, action string) bulkAnswer {
	s.t.Helper()
	count := into[bulkAnswer](s.t, s.chosen(path, token, selection, action, -1), http.StatusOK).Count
	return s.through(token, into[bulkAnswer](s.t, s.chosen(path, token, selection, action, count), http.StatusAccepted).ID)
}

func (s *harness) statuses() (enabled, disabled int) {
	s.t.Helper()
	if err := s.bus.EachJob(s.t.Context(), func(j events.Job) {
		if j.Status == events.Enabled {
			enabled++
		} else {
			disabled++
		}
	}); err != nil {
		s.t.Fatal(err)
	}
	return enabled, disabled
}

func TestBulkFilters(t *testing.T) {
	s := newHarness(t)
	ann, bob := s.user("ann", events.Operator), s.user("bob", events.Operator)
	s.made(ann, body{name: `"Backup of www"`, settings: `{"tags":["nas","night"]}`, extra: `,"spool":{"key":"www","managed_by":"git"}}`[:len(`,"spool":{"key":"www","managed_by":"git"}}`)-1]}.String())
	s.made(ann, body{name: `"mail"`, settings: `{"tags":["nas"],"spooled_mode":true}`}.String())
	off, _ := s.made(ann, body{name: `"off"`}.String())
	s.native(http.MethodPost, "jobs/"+off.ID+"/disable", ann, "")
	his, _ := s.made(bob, body{name: `"www of bob"`}.String())
	for _, c := range []struct {
		token, filter string
		want          int
	}{
		{ann, `{}`, 3},
		{ann, `{"status":"ENABLED"}`, 2},
		{ann, `{"mode":"automatic"}`, 1},
		{ann, `{"q":"WWW"}`, 1},
		{ann, `{"q":"night"}`, 1},
		{ann, `{"tag":"nas"}`, 2},
		{ann, `{"tag":"nas","mode":"cron"}`, 1},
		{ann, `{"key":"www"}`, 1},
		{ann, `{"managed_by":"git"}`, 1},
		{ann, `{"q":"nothing"}`, 0},
		{bob, `{}`, 1},
		{s.admin, `{}`, 0},
		{s.admin, `{"username":"*"}`, 4},
		{s.admin, `{"username":"*","q":"www"}`, 2},
		{s.admin, `{"username":"bob"}`, 1},
	} {
		got := into[bulkAnswer](t, s.chosen("jobs", c.token, `{"filter":`+c.filter+`}`, "disable", -1), http.StatusOK)
		if got.Count != c.want || len(got.First) != min(c.want, 5) {
			t.Errorf("%s means %+v; want %d", c.filter, got, c.want)
		}
	}
	if enabled, disabled := s.statuses(); enabled != 3 || disabled != 1 {
		t.Errorf("counting has disabled: %d, %d", enabled, disabled)
	}
	// Another user's job is none, by filter and by id.
	if got := into[bulkAnswer](t, s.chosen("jobs", ann, `{"ids":["`+his.ID+`","`+off.ID+`","`+off.ID+`"]}`, "delete", -1), http.StatusOK); got.Count != 1 || got.First[0].ID != off.ID {
		t.Errorf("ids mean %+v", got)
	}
	for _, c := range []struct {
		token, body string
		code        int
		why         string
	}{
		{ann, `{"select":{"filter":{"username":"bob"}},"action":"run"}`, 403, "username"},
		{ann, `{"select":{"filter":{"statu":"x"}},"action":"run"}`, 400, "select.filter.statu: unknown key"},
		{ann, `{"select":{"filter":{"status":"x"}},"action":"run"}`, 400, "select.filter.status"},
		{ann, `{"select":{"filter":{"status":1}},"action":"run"}`, 400, "must be a string"},
		{ann, `{"select":{},"action":"run"}`, 400, "select"},
		{ann, `{"select":{"filter":{},"ids":[]},"action":"run"}`, 400, "select"},
		{ann, `{"select":{"ids":[]},"action":"run"}`, 400, "select.ids"},
		{ann, `{"select":{"ids":["*"]},"action":"run"}`, 400, "is no id"},
		{ann, `{"select":{"filter":{}},"action":"explode"}`, 400, "action: must be one of enable, disable, run, delete"},
		{ann, `{"select":{"filter":{}},"action":"run","reason":"x"}`, 400, "action: takes no reason"},
		{ann, `{"select":{"filter":{}},"action":"disable","until":"2001-01-01T00:00:00Z"}`, 400, "until"},
		{ann, `{"select":{"filter":{}},"action":"run","expect":-1}`, 400, "expect"},
		{ann, `{"select":{"filter":{}},"action":"run","expected":1}`, 400, "expected: unknown key"},
		{s.user("ann", events.Viewer), `{"select":{"filter":{}},"action":"run"}`, 403, "may only read"},
	} {
		wantFault(t, s.native(http.MethodPost, "jobs/bulk", c.token, c.body), c.code, c.why)
	}
}

func TestBulkJobs(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	const n = 40
	var ids []string
	for i := range n {
		j, _ := s.made(ann, body{name: fmt.Sprintf(`"j%d"`, i)}.String())
		ids = append(ids, j.ID)
	}
	const every = `{"filter":{}}`
	wantFault(t, s.chosen("jobs", ann, every, "disable", n-1), http.StatusConflict, "expect: is 39, and 40 are selected now: nothing was done")
	if enabled, _ := s.statuses(); enabled != n {
		t.Fatalf("%d are enabled", enabled)
	}

	first := into[bulkAnswer](t, s.native(http.MethodPost, "jobs/bulk", ann,
		fmt.Sprintf(`{"select":%s,"action":"disable","reason":"move","until":"%s","expect":%d}`, every, time.Now().Add(time.Hour).Format(time.RFC3339), n),
		"Idempotency-Key", "once"), http.StatusAccepted)
	b := s.through(ann, first.ID)
	if b.Done != n || b.Fails != 0 || b.By != "ann" || b.Action != "disable" {
		t.Errorf("ended as %+v", b)
	}
	for _, id := range ids {
		rev, err := s.bus.Job(t.Context(), id)
		if d := rev.Event.Job.Disabled; err != nil || rev.Event.Bulk != b.ID || rev.Event.By != "ann" || d == nil || d.Reason != "move" || d.Until.IsZero() {
			t.Fatalf("%+v, %v", rev.Event, err)
		}
	}
	again := into[bulkAnswer](t, s.native(http.MethodPost, "jobs/bulk", ann, `{"select":{"filter":{}},"action":"disable","reason":"move","expect":1}`, "Idempotency-Key", "once"), http.StatusAccepted)
	if again.ID != b.ID || again.State != "done" {
		t.Errorf("sent again it is %+v", again)
	}
	if h := s.native(http.MethodGet, "jobs/"+ids[0]+"/history", ann, ""); !strings.Contains(string(h.body), `"bulk_id":"`+b.ID+`"`) {
		t.Errorf("history %s", h.body)
	}
	wantFault(t, s.native(http.MethodGet, "bulk/"+b.ID, s.user("bob", events.Operator), ""), http.StatusNotFound, "no such action")

	if b = s.all("jobs", ann, `{"filter":{"status":"DISABLED"}}`, "enable"); b.Done != n {
		t.Errorf("enabled %+v", b)
	}
	if b = s.all("jobs", ann, `{"ids":["`+strings.Join(ids[:10], `","`)+`"]}`, "run"); b.Done != 10 {
		t.Errorf("run %+v", b)
	}
	for i, id := range ids {
		if queued, err := s.bus.Triggers(events.KindManual, id).Count(t.Context()); err != nil || queued != map[bool]int{true: 1, false: 0}[i < 10] {
			t.Errorf("%d triggers of the %dth, %v", queued, i, err)
		}
	}
	if b = s.all("jobs", ann, every, "delete"); b.Done != n {
		t.Errorf("deleted %+v", b)
	}
	if enabled, disabled := s.statuses(); enabled+disabled != 0 {
		t.Errorf("%d are left", enabled+disabled)
	}
}

// What may not be done with one job is told of that job.
func TestBulkReaches(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	j, _ := s.made(ann, body{}.String())
	k, _ := s.made(ann, body{binary: `"ann/own/fs/D/f"`, input: `"ann/own/fs/D/in"`}.String())
	token, narrow := events.NewToken("ann", events.Operator, time.Now())
	token.Paths = []string{"ann/own/"}
	s.enter(token, narrow)
	b := s.all("jobs", narrow, `{"filter":{}}`, "run")
	if b.Done != 1 || b.Fails != 1 || b.Failed[0].ID != j.ID || !strings.Contains(b.Failed[0].Message, "lies outside what this token reaches") {
		t.Errorf("ended as %+v; %s is reached", b, k.ID)
	}
}

// What has changed since it was counted is left alone; and an action whose gateway has
// ended goes on, each job once.
func TestLongBulkGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: a worker is taken over after 10 s")
	}
	s := newHarness(t)
	var items []events.BulkItem
	for i := range 30 {
		j, _ := s.made(s.admin, body{name: fmt.Sprintf(`"j%d"`, i)}.String())
		rev, err := s.bus.Job(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, events.BulkItem{ID: j.ID, Seq: rev.Seq})
	}
	s.native(http.MethodPatch, "jobs/"+items[3].ID, s.admin, `{"name":"another"}`)
	s.native(http.MethodDelete, "jobs/"+items[4].ID, s.admin, "")
	all := into[struct {
		Tokens []struct{ ID string }
	}](t, s.native(http.MethodGet, "tokens", s.admin, ""), http.StatusOK)
	b := events.Bulk{
		ID: "7d4f1c0a-9d0e-4f6b-8f6e-0f9f0a3f7a11", Of: events.BulkJobs, Action: events.BulkDelete, State: events.BulkRunning, Count: len(items),
		By: "admin", Role: events.Admin, TokenID: all.Tokens[0].ID, Started: time.Now(), Ahead: 10, Worker: "one that has ended",
	}
	for i := range 2 { // it had come so far
		rev, _ := s.bus.Job(t.Context(), items[i].ID)
		if _, err := s.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobDeleted, Bulk: b.ID, Job: events.Job{ID: items[i].ID, Username: "admin"}}, rev.Seq); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.bus.BeginBulk(t.Context(), b, items); err != nil {
		t.Fatal(err)
	}
	got := s.through(s.admin, b.ID)
	if got.Done != 28 || got.Fails != 2 {
		t.Errorf("ended as %+v", got)
	}
	for _, f := range got.Failed {
		if f.ID == items[3].ID && !strings.HasPrefix(f.Message, "changed: updated by admin at ") || f.ID == items[4].ID && !strings.HasPrefix(f.Message, "changed: deleted by admin at ") {
			t.Errorf("failed %+v", f)
		}
	}
	if enabled, _ := s.statuses(); enabled != 1 {
		t.Errorf("%d are left", enabled)
	}
}

// fill makes jobs, fast.
func (s *harness) fill(owner string, n int) {
	s.t.Helper()
	var wg sync.WaitGroup
	places := make(chan struct{}, 32)
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
			job := events.Job{ID: id, Username: owner, Name: fmt.Sprint("job ", i), Status: events.Enabled, CreatedOnNS: int64(i + 1), EffectiveFrom: time.Now(), Parameters: []byte(body{}.String())}
			if _, err := s.bus.PutJob(s.t.Context(), events.JobEvent{Event: events.JobCreated, By: owner, At: time.Now(), Job: job}, 0); err != nil {
				s.t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Of 10,000 jobs one is made more: the count has become another, and nothing is done.
func TestBulkOfTenThousand(t *testing.T) {
	s := newHarness(t)
	n := 10_000
	if testing.Short() {
		n = 1000 // make test-long takes all
	}
	s.fill("admin", n)
	before := into[bulkAnswer](t, s.chosen("jobs", s.admin, `{"filter":{}}`, "disable", -1), http.StatusOK)
	if before.Count != n || before.First[0].Name != "job 0" {
		t.Fatalf("counted %+v", before)
	}
	s.made(s.admin, body{}.String())
	stored := s.stored()
	wantFault(t, s.chosen("jobs", s.admin, `{"filter":{}}`, "disable", n), http.StatusConflict, fmt.Sprintf("expect: is %d, and %d are selected now: nothing was done", n, n+1))
	if enabled, _ := s.statuses(); enabled != n+1 || s.stored() != stored {
		t.Errorf("%d are enabled", enabled)
	}
	begun := time.Now()
	b := s.through(s.admin, into[bulkAnswer](t, s.chosen("jobs", s.admin, `{"filter":{}}`, "disable", n+1), http.StatusAccepted).ID)
	if _, disabled := s.statuses(); b.Done != n+1 || disabled != n+1 {
		t.Errorf("%d are disabled: %+v", disabled, b)
	}
	t.Logf("%d jobs in %v", n+1, time.Since(begun))
}
