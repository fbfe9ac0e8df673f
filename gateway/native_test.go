package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

const v2Path = "/api/v2/"

// nativeJob is a job of the native API as its clients read it.
type nativeJob struct {
	ID            string          `json:"job_id"`
	Username      string          `json:"username"`
	Name          string          `json:"name"`
	Status        string          `json:"status"`
	Mode          string          `json:"mode"`
	Created       time.Time       `json:"created"`
	EffectiveFrom time.Time       `json:"effective_from"`
	Schedule      string          `json:"schedule"`
	Parameters    json.RawMessage `json:"parameters"`
	LastResult    *struct {
		TriggerID string    `json:"trigger_id"`
		Status    string    `json:"status"`
		Ended     time.Time `json:"ended"`
	} `json:"last_result"`
	Timezone    string             `json:"timezone"`
	Description string             `json:"description"`
	Warnings    []string           `json:"warnings"`
	NextRuns    []string           `json:"next_runs"`
	Watch       *events.WatchState `json:"watch"`
	Retrying    *events.RetryState `json:"retrying"`
}

// into wants a status and reads the body.
func into[T any](t testing.TB, a answer, code int) T {
	t.Helper()
	var v T
	if a.code != code {
		t.Fatalf("answer %d %s; want %d", a.code, a.body, code)
	}
	if a.header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type %q", a.header.Get("Content-Type"))
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

// wantFault wants a fault of the native API.
func wantFault(t testing.TB, a answer, code int, msg string) {
	t.Helper()
	var p struct {
		Message, Type, Title, Detail, Request string
		Status                                int
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Errorf("answer %d %.300s: %v; want %d with %q", a.code, a.body, err, code, msg)
		return
	}
	if a.code != code || p.Status != code || !strings.Contains(p.Message, msg) || p.Type != "about:blank" ||
		p.Title != http.StatusText(code) || p.Request != a.header.Get("X-Request-Id") ||
		a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer %d %v %.300s; want %d with %q", a.code, a.header, a.body, code, msg)
	}
	for _, inside := range []string{"goroutine", "nats:", "spool.internal", "panic", "json: "} {
		if strings.Contains(string(a.body), inside) {
			t.Errorf("the answer shows the inside: %s", a.body)
		}
	}
}

// native calls the native API as somebody.
func (s *harness) native(method, path, token, body string, header ...string) answer {
	s.t.Helper()
	return s.send(method, v2Path+path, token, body, func(r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
	})
}

// made makes a job by the native API.
func (s *harness) made(token, body string) (nativeJob, string) {
	s.t.Helper()
	a := s.native(http.MethodPost, "jobs", token, body)
	return into[nativeJob](s.t, a, http.StatusCreated), a.header.Get("ETag")
}

func (s *harness) read(id string) (nativeJob, string) {
	s.t.Helper()
	a := s.native(http.MethodGet, "jobs/"+id, s.admin, "")
	return into[nativeJob](s.t, a, http.StatusOK), a.header.Get("ETag")
}

// automatic is a job that watches a folder.
func automatic(name string) string {
	return body{name: `"` + name + `"`, settings: `{"spooled_mode":true}`}.String()
}

func TestNativeJob(t *testing.T) {
	s := newHarness(t)
	alice := s.user("alice", events.Operator)
	before := time.Now()
	a := s.native(http.MethodPost, "jobs", alice, body{schedule: `"30 2 * * *"`, extra: `,"spool":{"timezone":"Europe/Berlin"}`}.String())
	j := into[nativeJob](t, a, http.StatusCreated)
	if a.header.Get("Location") != v2Path+"jobs/"+j.ID || j.ID == "" {
		t.Errorf("Location %q of job %q", a.header.Get("Location"), j.ID)
	}
	got := s.native(http.MethodGet, "jobs/"+j.ID, alice, "")
	if string(got.body) != string(a.body) || got.header.Get("ETag") != a.header.Get("ETag") || !strings.HasPrefix(got.header.Get("ETag"), `"`) {
		t.Errorf("reading gives %s %s, creating gave %s %s", got.header.Get("ETag"), got.body, a.header.Get("ETag"), a.body)
	}
	if j.Username != "alice" || j.Name != "n" || j.Status != "ENABLED" || j.Mode != "cron" || j.Schedule != "30 2 * * *" ||
		j.Created.Before(before) || !j.EffectiveFrom.Equal(j.Created) || j.LastResult != nil ||
		j.Timezone != "Europe/Berlin" || j.Description != "At 02:30 every day (Europe/Berlin)." || len(j.Warnings) == 0 {
		t.Errorf("the job is %+v", j)
	}
	if !strings.Contains(string(j.Parameters), `"auth_token":"********"`) || strings.Contains(string(a.body), "secrets") {
		t.Errorf("the parameters are %s", j.Parameters)
	}
	last := before
	for _, run := range j.NextRuns {
		at, err := time.Parse(time.RFC3339, run)
		if err != nil || !strings.HasSuffix(run, "Z") || !at.After(last) {
			t.Errorf("next run %s, %v", run, err)
		}
		last = at
	}
	if len(j.NextRuns) != 5 {
		t.Errorf("%d next runs", len(j.NextRuns))
	}

	auto, _ := s.made(alice, automatic("auto"))
	if auto.Mode != "automatic" || auto.Schedule != "" || len(auto.NextRuns) != 0 || auto.Description != "" {
		t.Errorf("the automatic job is %+v", auto)
	}
	for path, want := range map[string]string{"disable": "DISABLED", "enable": "ENABLED"} {
		for range 2 {
			a := s.native(http.MethodPost, "jobs/"+auto.ID+"/"+path, alice, "")
			if j := into[nativeJob](t, a, http.StatusOK); j.Status != want || a.header.Get("ETag") == "" {
				t.Errorf("%s gives %+v", path, j)
			}
		}
	}
	s.native(http.MethodPost, "jobs/"+j.ID+"/disable", alice, "{}")
	if j, _ := s.read(j.ID); len(j.NextRuns) != 0 || j.Description == "" {
		t.Errorf("a disabled job is %+v", j)
	}
	if a := s.native(http.MethodDelete, "jobs/"+j.ID, alice, ""); a.code != http.StatusNoContent || len(a.body) > 0 {
		t.Errorf("DELETE answers %d %s", a.code, a.body)
	}
	wantFault(t, s.native(http.MethodGet, "jobs/"+j.ID, alice, ""), http.StatusNotFound, "job_id: no such job")
	wantFault(t, s.native(http.MethodDelete, "jobs/"+j.ID, alice, ""), http.StatusNotFound, "job_id: no such job")
}

func TestNativeJobShowsStates(t *testing.T) {
	s := newHarness(t)
	auto, _ := s.made(s.admin, automatic("auto"))
	cron, _ := s.made(s.admin, body{}.String())
	watch := events.WatchState{JobID: auto.ID, State: "live", HostPath: "/srv/in", Pending: 3, Since: time.Unix(1, 0).UTC()}
	retry := events.RetryState{JobID: cron.ID, TriggerID: "t", Attempt: 2, LastError: "refused", Next: time.Unix(2, 0).UTC()}
	if err := s.bus.PutFolderStates(t.Context(), []events.WatchState{watch}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.bus.PutRetryState(t.Context(), retry); err != nil {
		t.Fatal(err)
	}
	if j, _ := s.read(auto.ID); j.Watch == nil || *j.Watch != watch || j.Retrying != nil {
		t.Errorf("the automatic job shows %+v, %+v", j.Watch, j.Retrying)
	}
	if j, _ := s.read(cron.ID); j.Watch != nil || j.Retrying == nil || !cmp.Equal(*j.Retrying, retry) {
		t.Errorf("the cron job shows %+v, %+v", j.Watch, j.Retrying)
	}
}

// Whose job is whose, and who may do what.
func TestNativeRoles(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.user("alice", events.Operator), body{}.String())
	tokens := map[string]string{
		"owner": s.user("alice", events.Operator), "viewer": s.user("alice", events.Viewer),
		"other": s.user("bob", events.Operator), "admin": s.admin,
	}
	trigger := events.ManualTriggerID(j.ID, "x")
	job := "jobs/" + j.ID
	all := map[string]int{"owner": 200, "viewer": 200, "other": 404, "admin": 200}
	change := func(ok int) map[string]int {
		return map[string]int{"owner": ok, "viewer": 403, "other": 404, "admin": ok}
	}
	admins := func(ok int) map[string]int {
		return map[string]int{"owner": 403, "viewer": 403, "other": 403, "admin": ok}
	}
	for _, c := range []struct {
		method, path, body string
		want               map[string]int
	}{
		{"GET", job, "", all},
		{"GET", job + "/history", "", all},
		{"GET", job + "/results", "", all},
		{"GET", job + "/slots", "", all},
		{"GET", job + "/files?path=x", "", all},
		{"PATCH", job, `{}`, change(200)},
		{"POST", job + "/enable", "", change(200)},
		{"POST", job + "/disable", "", change(200)},
		{"POST", job + "/trigger", "", change(202)},
		{"POST", job + "/files/reprocess", `{"path":"x"}`, change(404)},
		{"POST", "results/" + trigger + "/rerun", "", change(404)},
		{"POST", "dead-letters/7/retry", "", change(404)},
		{"DELETE", "dead-letters/7", "", change(404)},
		{"GET", "jobs", "", map[string]int{"owner": 200, "viewer": 200, "other": 200, "admin": 200}},
		{"GET", "jobs?username=alice", "", map[string]int{"owner": 200, "viewer": 200, "other": 403, "admin": 200}},
		{"GET", "jobs?username=*", "", admins(200)},
		{"GET", "dead-letters", "", map[string]int{"owner": 200, "viewer": 200, "other": 200, "admin": 200}},
		{"GET", "dead-letters?username=*", "", admins(200)},
		{"POST", "schedule/preview", `{"schedule":"@daily"}`, map[string]int{"owner": 200, "viewer": 200, "other": 200, "admin": 200}},
		{"GET", "tokens", "", admins(200)},
		{"POST", "tokens", `{"owner":"x","role":"viewer"}`, admins(201)},
		{"DELETE", "tokens/none", "", admins(404)},
		{"DELETE", job, "", map[string]int{"viewer": 403, "other": 404, "owner": 204}},
	} {
		for who, want := range c.want {
			if a := s.native(c.method, c.path, tokens[who], c.body); a.code != want {
				t.Errorf("%s %s as %s answers %d %s; want %d", c.method, c.path, who, a.code, a.body, want)
			} else if want >= 400 {
				wantFault(t, a, want, "")
			}
		}
	}
	wantFault(t, s.native("GET", "jobs", "spool_x_y", ""), http.StatusUnauthorized, "the token is not valid")
	wantFault(t, s.native("GET", "nothing", s.admin, ""), http.StatusNotFound, "the API is below /api/v2/")
	a := s.native("PUT", "jobs", s.admin, "")
	wantFault(t, a, http.StatusMethodNotAllowed, "use GET, HEAD, POST")
	if a.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("Allow %q", a.header.Get("Allow"))
	}
}
