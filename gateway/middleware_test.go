package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/gateway"
)

// wantRefusal wants a status with the ERROR body of v1.
func wantRefusal(t *testing.T, a answer, code int, msg string) {
	t.Helper()
	if a.code != code || a.status() != "ERROR" || !strings.Contains(a.msg(), msg) ||
		a.header.Get("Content-Type") != "application/json" || a.header.Get("X-Request-Id") == "" {
		t.Errorf("answer %d %v %s; want %d with %q", a.code, a.header, a.body, code, msg)
	}
}

func TestAuthentication(t *testing.T) {
	s := newHarness(t)
	old, oldText := events.NewToken("old", events.Admin, time.Now().Add(-2*time.Hour))
	old.Expires = time.Now().Add(-time.Hour)
	s.enter(old, oldText)
	header := func(lines ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = lines }
	}
	for _, c := range []struct {
		name, path string
		edit       func(*http.Request)
		msg        string
	}{
		{"none", "list_jobs", header(), "send one header Authorization"},
		{"two", "list_jobs", header("Bearer "+s.admin, "Bearer "+s.admin), "send one header Authorization"},
		{"another scheme", "list_jobs", header("Basic " + s.admin), "must be: Bearer <token>"},
		{"no scheme", "list_jobs", header(s.admin), "must be: Bearer <token>"},
		{"no token", "list_jobs", header("Bearer "), "must be: Bearer <token>"},
		{"a wrong token", "list_jobs", header("Bearer spool_x_y"), "the token is not valid"},
		{"a wrong secret", "list_jobs", header("Bearer " + s.admin + "x"), "the token is not valid"},
		{"an expired token", "list_jobs", header("Bearer " + oldText), "the token expired at"},
		{"in the URL", "list_jobs?token=" + s.admin, header(), "a token in the URL is refused"},
		{"in the URL too", "list_jobs?access_token=" + s.admin, header("Bearer " + s.admin), "a token in the URL is refused"},
		{"on a path that is none", "nonsense", header(), "send one header Authorization"},
		{"the dispatcher's secret", "list_jobs", func(r *http.Request) { r.Header.Set(events.HeaderDispatcher, "x") }, "send one header Authorization"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.send(http.MethodGet, v1Path+c.path, "", "", c.edit)
			wantRefusal(t, a, http.StatusUnauthorized, c.msg)
			if a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
			}
		})
	}
	for _, spelling := range []string{"bearer ", "BEARER  "} {
		s.ok(s.send(http.MethodGet, v1Path+"list_jobs", "", "", header(spelling+s.admin)))
	}
}

func TestPathsAndMethods(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) {
		c.Mount = func(r *mux.Router) {
			ok := func(http.ResponseWriter, *http.Request) {}
			r.HandleFunc("/api/v1/things", ok).Methods(http.MethodPut)
			r.HandleFunc("/api/v1/things", ok).Methods(http.MethodDelete)
			r.Methods(http.MethodGet).Path("/api/v1/others").HandlerFunc(ok)
		}
	}))
	for _, path := range []string{
		"//api/v1/scheduler/list_jobs", "/api//v1/scheduler///list_jobs/", v1Path + "list_jobs/", "/api/v1/x/../scheduler/list_jobs",
	} {
		s.ok(s.send(http.MethodGet, path, s.admin, ""))
	}
	s.ok(s.send(http.MethodPost, "//api/v1/scheduler/create_job/", s.admin, body{}.String()))
	for _, c := range []struct{ method, path, allow string }{
		{http.MethodPost, v1Path + "list_jobs", "GET, HEAD"},
		{http.MethodOptions, v1Path + "list_jobs", "GET, HEAD"},
		{http.MethodGet, v1Path + "create_job", "POST"},
		{http.MethodHead, v1Path + "create_job", "POST"},
		{http.MethodDelete, v1Path + "delete_job/", "POST"},
		{"BREW", v1Path + "trigger_job", "POST"},
		{http.MethodPost, "/", "GET, HEAD"},
		{http.MethodGet, "/api/v1/things", "PUT, DELETE"},
	} {
		a := s.send(c.method, c.path, s.admin, "")
		if a.header.Get("Allow") != c.allow || a.code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: %d, Allow %q; want %q", c.method, c.path, a.code, a.header.Get("Allow"), c.allow)
		}
		if c.method != http.MethodHead {
			wantRefusal(t, a, http.StatusMethodNotAllowed, "use "+c.allow)
		}
	}
	for _, path := range []string{"/api/v1/scheduler", v1Path + "update_job", "/api/v1/jobs", "/nowhere", "/api"} {
		wantRefusal(t, s.send(http.MethodGet, path, s.admin, ""), http.StatusNotFound, "no such path")
	}
	whole := s.send(http.MethodGet, v1Path+"list_jobs", s.admin, "")
	head := s.send(http.MethodHead, v1Path+"list_jobs", s.admin, "")
	if head.code != http.StatusOK || len(head.body) > 0 || head.header.Get("Content-Type") != whole.header.Get("Content-Type") {
		t.Errorf("HEAD answers %d with %d bytes", head.code, len(head.body))
	}
	welcome := s.send(http.MethodGet, "/", "", "")
	if welcome.code != http.StatusOK || !strings.Contains(string(welcome.body), "0.0-test") || !strings.Contains(string(welcome.body), "admin.token") {
		t.Errorf("/ answers %d %s", welcome.code, welcome.body)
	}
}

func TestOldHTTP(t *testing.T) {
	s := newHarness(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %slist_jobs HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n", v1Path, s.admin)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || strings.TrimSpace(string(got)) != `{"status":"OK","jobs":[]}` {
		t.Errorf("answer %s, %v", got, err)
	}
}

func TestBodyLimit(t *testing.T) {
	s := newHarness(t)
	large := pad(body{}, 257<<10)
	unknownLength := func(r *http.Request) { r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(large)) }
	wantRefusal(t, s.send(http.MethodPost, v1Path+"create_job", s.admin, large), http.StatusRequestEntityTooLarge, "256 KiB")
	wantRefusal(t, s.send(http.MethodPost, v1Path+"create_job", s.admin, "", unknownLength), http.StatusRequestEntityTooLarge, "256 KiB")
	wantRefusal(t, s.send(http.MethodGet, v1Path+"list_jobs", s.admin, "", unknownLength), http.StatusRequestEntityTooLarge, "256 KiB")
	if jobs, _ := s.list(s.admin, ""); len(jobs) > 0 {
		t.Errorf("%d jobs were created", len(jobs))
	}
}

func TestRateLimit(t *testing.T) {
	// One request an hour: none is due again while the test runs.
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Rate, c.Burst = 1.0/3600, 5 }))
	alice := s.user("alice", events.Operator)
	for range 5 {
		s.list(alice, "")
	}
	a := s.send(http.MethodGet, v1Path+"list_jobs", alice, "")
	wantRefusal(t, a, http.StatusTooManyRequests, "too many requests")
	if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 || n > 3600 {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	s.list(s.admin, "") // another token has a bucket of its own
	wantRefusal(t, s.send(http.MethodGet, v1Path+"list_jobs", alice, ""), http.StatusTooManyRequests, "")
}

func TestNoSealKey(t *testing.T) {
	s := newHarness(t, withoutSealKey)
	a := s.send(http.MethodPost, v1Path+"create_job", s.admin, plainJob("job"))
	wantRefusal(t, a, http.StatusServiceUnavailable, "before the dispatcher has started once")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if jobs, _ := s.list(s.admin, ""); len(jobs) > 0 {
		t.Errorf("%d jobs were created", len(jobs))
	}
}

func TestBrokerAwayAndBack(t *testing.T) {
	s := newHarness(t)
	id := s.create(s.admin, "job")
	s.broker.Shutdown()
	s.broker.WaitForShutdown()
	eventstest.Eventually(t, "not ready", func() bool { return s.gateway.Check() != nil })
	for call, body := range map[string]string{
		"create_job": plainJob("x"), "enable_job": `{"job_id":"` + id + `"}`, "trigger_job": `{"job_id":"` + id + `"}`,
		"delete_job": `{"delete_all":true}`,
	} {
		a := s.send(http.MethodPost, v1Path+call, s.admin, body)
		wantRefusal(t, a, http.StatusServiceUnavailable, "")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", call)
		}
	}
	s.broker.Restart(t)
	eventstest.Eventually(t, "ready again", func() bool { return s.gateway.Check() == nil })
	eventstest.Eventually(t, "listing again", func() bool {
		return s.send(http.MethodGet, v1Path+"list_jobs", s.admin, "").code == http.StatusOK
	})
	s.post("disable_job", `{"job_id":"`+id+`"}`)
	if jobs, _ := s.list(s.admin, ""); len(jobs) != 1 || jobs[0].Status != "DISABLED" {
		t.Errorf("the list is %+v", jobs)
	}
}

func TestStoreFull(t *testing.T) {
	s := newHarness(t, func(s *harness) { s.bytes = 50 << 20 }) // 2 MiB of it for jobs
	id := s.create(s.admin, "job")
	var a answer
	for range 20 {
		if a = s.send(http.MethodPost, v1Path+"create_job", s.admin, pad(body{}, 200<<10)); a.code != http.StatusOK {
			break
		}
	}
	wantRefusal(t, a, http.StatusServiceUnavailable, "no room for more jobs")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	// What is there stays in use, and a deletion makes room.
	s.post("trigger_job", `{"job_id":"`+id+`"}`)
	jobs, _ := s.list(s.admin, "")
	s.post("delete_job", `{"job_id":"`+jobs[1].ID+`"}`)
	s.post("create_job", pad(body{}, 200<<10))
}

func TestRequestIDs(t *testing.T) {
	s := newHarness(t)
	named := func(id string) string {
		a := s.send(http.MethodGet, v1Path+"list_jobs", s.admin, "", func(r *http.Request) { r.Header.Set("X-Request-Id", id) })
		return a.header.Get("X-Request-Id")
	}
	if got := named("build-7.a_B"); got != "build-7.a_B" {
		t.Errorf("the client's id came back as %q", got)
	}
	eventstest.Eventually(t, "the log has the id", func() bool { return strings.Contains(s.log.String(), "request_id=build-7.a_B") })
	for _, bad := range []string{"", "a b", `a"b`, strings.Repeat("x", 65)} {
		if got := named(bad); !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(got) {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func TestMountedRoutes(t *testing.T) {
	var who string
	s := newHarness(t, withConfig(func(c *gateway.Config) {
		c.Mount = func(r *mux.Router) {
			r.HandleFunc(events.RunBinaryPath, func(w http.ResponseWriter, r *http.Request) {
				who = r.Header.Get(events.HeaderDispatcher) + r.Header.Get("Authorization")
			}).Methods(http.MethodPost)
			r.HandleFunc("/api/v1/panic", func(http.ResponseWriter, *http.Request) { panic("secret reason") })
			r.HandleFunc("/api/v1/half", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, "half")
				panic("secret reason")
			})
		}
	}))
	wantRefusal(t, s.send(http.MethodPost, events.RunBinaryPath, "", "{}"), http.StatusUnauthorized, "")
	for want, edit := range map[string]func(*http.Request){
		"dispatchers":       func(r *http.Request) { r.Header.Set(events.HeaderDispatcher, "dispatchers") },
		"Bearer " + s.admin: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.admin) },
		"dispatchersBearer x": func(r *http.Request) {
			r.Header.Set(events.HeaderDispatcher, "dispatchers")
			r.Header.Set("Authorization", "Bearer x")
		},
	} {
		if a := s.send(http.MethodPost, events.RunBinaryPath, "", "{}", edit); a.code != http.StatusOK || who != want {
			t.Errorf("answer %d; the route saw %q, want %q", a.code, who, want)
		}
	}

	a := s.send(http.MethodGet, "/api/v1/panic", s.admin, "")
	wantRefusal(t, a, http.StatusInternalServerError, "request id "+a.header.Get("X-Request-Id"))
	if strings.Contains(string(a.body), "secret") {
		t.Errorf("the answer to a panic says %s", a.body)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/api/v1/half", nil)
	r.Header.Set("Authorization", "Bearer "+s.admin)
	if resp, err := http.DefaultClient.Do(r); err == nil {
		defer resp.Body.Close()
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("a panic in the middle of an answer leaves a whole one")
		}
	}
	eventstest.Eventually(t, "the log has the panics", func() bool { return strings.Count(s.log.String(), "secret reason") >= 2 })
}
