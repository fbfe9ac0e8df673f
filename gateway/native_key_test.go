package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/gateway"
)

// another starts a second gateway beside the first, and gives its address.
func (s *harness) another() string {
	s.t.Helper()
	g, err := gateway.New(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.background(g.Run)
	server := httptest.NewServer(underContract(s.t, g.Handler()))
	s.t.Cleanup(server.Close)
	eventstest.Eventually(s.t, "the second is ready", func() bool { return g.Check() == nil })
	return server.URL
}

// at calls the native API of one of several gateways.
func (s *harness) at(base, method, path, token, body string, header ...string) answer {
	s.t.Helper()
	one := *s
	one.base = base
	return one.native(method, path, token, body, header...)
}

// Of any number of clients that send one key to any gateway one makes the job, and the
// others are told of it.
func TestCreateByKeyOnce(t *testing.T) {
	s := newHarness(t)
	bases := []string{s.base, s.another()}
	ann := s.user("ann", events.Operator)
	for round := range 3 {
		const callers = 24
		answers := make([]answer, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				answers[i] = s.at(bases[i%2], http.MethodPost, "jobs", ann, body{name: fmt.Sprintf(`"of round %d"`, round)}.String(), "Idempotency-Key", fmt.Sprint("double click ", round))
			})
		}
		wg.Wait()
		ids, first := map[string]bool{}, 0
		for _, a := range answers {
			j := into[nativeJob](t, a, http.StatusCreated)
			ids[j.ID] = true
			if a.header.Get("Idempotency-Replayed") == "" {
				first++
			}
			if a.header.Get("Location") != "/api/v2/jobs/"+j.ID || a.header.Get("ETag") != answers[0].header.Get("ETag") {
				t.Errorf("answered with %v", a.header)
			}
		}
		if len(ids) != 1 || first != 1 {
			t.Errorf("round %d: %d jobs, of which %d were made", round, len(ids), first)
		}
	}
	if n := strings.Count(string(s.native(http.MethodGet, "jobs", ann, "").body), `"job_id"`); n != 3 {
		t.Errorf("%d jobs are there; want 3", n)
	}
}

func TestCreateByKey(t *testing.T) {
	s := newHarness(t)
	ann, bob := s.user("ann", events.Operator), s.user("bob", events.Operator)
	key, other := body{token: `"one"`}.String(), body{token: `"two"`}.String()
	same := ` {"schedule":"@daily", ` + strings.Replace(key[1:], `"schedule":"@daily",`, "", 1) // in another order
	post := func(token, body string) answer {
		return s.native(http.MethodPost, "jobs", token, body, "Idempotency-Key", "k")
	}
	first := into[nativeJob](t, post(ann, key), http.StatusCreated)
	s.native(http.MethodPatch, "jobs/"+first.ID, ann, `{"name":"m"}`)
	if again := into[nativeJob](t, post(ann, same), http.StatusCreated); again.ID != first.ID || again.Name != "m" {
		t.Errorf("the same again is %s %q; want %s as it is now", again.ID, again.Name, first.ID)
	}
	wantFault(t, post(ann, other), http.StatusConflict, `Idempotency-Key: was sent before with another body, and made the job "m"`)
	if his := into[nativeJob](t, post(bob, key), http.StatusCreated); his.ID == first.ID {
		t.Error("another user's key is the same")
	}
	if rev, err := s.bus.Job(t.Context(), first.ID); err != nil || rev.Event.Job.Request == "" || strings.Contains(string(events.Encode(rev.Event)), `"one"`) {
		t.Errorf("stored as %+v, %v", rev.Event.Job, err)
	}
	if a := s.native(http.MethodDelete, "jobs/"+first.ID, ann, ""); a.code != http.StatusNoContent {
		t.Fatalf("answer %d %s", a.code, a.body)
	}
	wantFault(t, post(ann, key), http.StatusConflict, "has made a job before, which ann deleted on ")
	wantFault(t, s.native(http.MethodPost, "jobs", ann, key, "Idempotency-Key", strings.Repeat("k", 256)), http.StatusBadRequest, "longer than 255 bytes")
	if rev, found, err := s.bus.LastJob(t.Context(), first.ID); err != nil || !found || !rev.Gone() {
		t.Errorf("the deleted job is %+v, %v", rev, err)
	}
}

// spool.key is one job's of an owner at a time.
func TestJobKey(t *testing.T) {
	s := newHarness(t)
	ann, bob := s.user("ann", events.Operator), s.user("bob", events.Operator)
	with := func(key string) string {
		return body{extra: `,"spool":{"key":"` + key + `","managed_by":"git:ops"}`}.String()
	}
	type job struct {
		nativeJob
		Key       string `json:"key"`
		ManagedBy string `json:"managed_by"`
	}
	a := into[job](t, s.native(http.MethodPost, "jobs", ann, with("www/backup")), http.StatusCreated)
	if a.Key != "www/backup" || a.ManagedBy != "git:ops" || a.ID == "" {
		t.Errorf("made as %+v", a)
	}
	wantFault(t, s.native(http.MethodPost, "jobs", ann, with("www/backup")), http.StatusConflict, `spool.key: "www/backup" is the key of the job `+a.ID)
	s.made(bob, with("www/backup"))
	if v1 := s.send(http.MethodPost, v1Path+"create_job", ann, with("www/backup")); v1.status() != "ERROR" || !strings.Contains(v1.msg(), "www/backup") {
		t.Errorf("v1 answers %s", v1.body)
	}

	patch := func(id, key string) answer {
		return s.native(http.MethodPatch, "jobs/"+id, ann, `{"spool":{"key":`+key+`}}`)
	}
	b, _ := s.made(ann, with("other"))
	wantFault(t, patch(b.ID, `"www/backup"`), http.StatusConflict, "is the key of the job "+a.ID)
	into[job](t, patch(a.ID, `"www/new"`), http.StatusOK)
	if got := into[job](t, patch(b.ID, `"www/backup"`), http.StatusOK); got.Key != "www/backup" {
		t.Errorf("patched to %+v", got)
	}
	s.made(ann, with("other")) // it is free
	if got := into[job](t, patch(a.ID, `null`), http.StatusOK); got.Key != "" || got.ManagedBy != "git:ops" {
		t.Errorf("patched to %+v", got)
	}
	s.made(ann, with("www/new"))
	if d := s.native(http.MethodDelete, "jobs/"+b.ID, ann, ""); d.code != http.StatusNoContent {
		t.Errorf("answer %d %s", d.code, d.body)
	}
	s.made(ann, with("www/backup"))
	for key, why := range map[string]string{
		"a b": "has a blank", a.ID: "looks like the id", "": "is empty", strings.Repeat("k", 201): "201 characters", `a\u0007`: "control character",
	} {
		wantFault(t, s.native(http.MethodPost, "jobs", ann, with(key)), http.StatusBadRequest, why)
	}
}

// Many that want one key, by creating and by patching, at two gateways: one has it.
func TestJobKeyOnce(t *testing.T) {
	s := newHarness(t)
	bases := []string{s.base, s.another()}
	const callers = 16
	var ids []string
	for range callers / 2 {
		j, _ := s.made(s.admin, body{}.String())
		ids = append(ids, j.ID)
	}
	codes := make([]int, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			if i < len(ids) {
				codes[i] = s.at(bases[i%2], http.MethodPatch, "jobs/"+ids[i], s.admin, `{"spool":{"key":"k"}}`).code
			} else {
				codes[i] = s.at(bases[i%2], http.MethodPost, "jobs", s.admin, body{extra: `,"spool":{"key":"k"}`}.String()).code
			}
		})
	}
	wg.Wait()
	won := 0
	for _, code := range codes {
		if code < 300 {
			won++
		} else if code != http.StatusConflict {
			t.Errorf("answer %d", code)
		}
	}
	has := 0
	if err := s.bus.EachJob(t.Context(), func(j events.Job) {
		if j.Key == "k" {
			has++
		}
	}); err != nil || won != 1 || has != 1 {
		t.Errorf("%d were answered that they have the key, %d have it, %v", won, has, err)
	}
}
