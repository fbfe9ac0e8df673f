package gateway_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/admission"
	"spool.internal/events/eventstest"
	"spool.internal/gateway"
)

// refusing is a connection whose listener has no permits.
type refusing struct {
	why   admission.Refusal
	asked chan<- string
}

func (c refusing) Admit(kind admission.Kind, who admission.Caller, _ func() bool) admission.Refusal {
	c.asked <- kind.String() + " " + fmt.Sprint(who.Rank)
	return c.why
}
func (refusing) Demote()                  {}
func (refusing) Caller() admission.Caller { return admission.Caller{} }
func (refusing) Refused(string)           {}

// A request that gets no permit is refused in the words of its API, and one that
// needs none is answered.
func TestRequestsWithoutAPermit(t *testing.T) {
	s, _ := newDriveHarness(t)
	viewer := s.user("ann", events.Viewer)
	for _, c := range []struct {
		why  admission.Refusal
		code int
		msg  string
	}{{admission.TooMany, 429, "at once with this token"}, {admission.Full, 503, "at once: try again"}} {
		asked := make(chan string, 100)
		server := httptest.NewUnstartedServer(underContract(t, s.gateway.Handler()))
		server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
			return admission.With(ctx, refusing{c.why, asked})
		}
		server.Start()
		t.Cleanup(server.Close)
		s.base = server.URL
		wantRefusal(t, s.send(http.MethodGet, v1Path+"list_jobs", s.admin, ""), c.code, "too many requests "+c.msg)
		wantRefusal(t, s.send(http.MethodPost, v1Path+"create_job", viewer, "{}"), c.code, "too many requests "+c.msg)
		wantProblem(t, s.send(http.MethodGet, "/api/v2/events", s.admin, ""), c.code, "too many streams "+c.msg)
		a := s.file(http.MethodPut, "in/x", "x")
		wantProblem(t, a, c.code, "too many transfers "+c.msg)
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
		for _, want := range []string{
			fmt.Sprint("request ", admission.Admin), fmt.Sprint("request ", admission.Authenticated),
			fmt.Sprint("stream ", admission.Admin), fmt.Sprint("transfer ", admission.Admin),
		} {
			if got := <-asked; got != want {
				t.Errorf("%s was asked for; want %s", got, want)
			}
		}
		for path, code := range map[string]int{"/": 200, "/api/v2/docs": 200, "/api/v2/openapi.yaml": 200, "/nowhere": 404, v1Path + "list_jobs": 401} {
			if a := s.send(http.MethodGet, path, "", ""); a.code != code {
				t.Errorf("%s without a token: answer %d", path, a.code)
			}
		}
	}
}

// Callers without a valid token are limited by address; one with a token at the
// same address does not notice.
func TestStrangersAreLimited(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Rate, c.Burst = 0.1, 20 }))
	for n := range 20 {
		if a := s.send(http.MethodGet, v1Path+"list_jobs", "wrong", ""); a.code != http.StatusUnauthorized {
			t.Fatalf("request %d: answer %d", n, a.code)
		}
	}
	a := s.send(http.MethodGet, v1Path+"list_jobs", "wrong", "")
	wantRefusal(t, a, http.StatusTooManyRequests, "without a valid token from this address")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantProblem(t, s.send(http.MethodGet, "/api/v2/jobs", "", ""), http.StatusTooManyRequests, "without a valid token")
	guess := func(r *http.Request) { r.Header.Set(events.HeaderDispatcher, "guess") }
	if a := s.send(http.MethodPost, events.RunBinaryPath, "", "{}", guess); a.code != http.StatusTooManyRequests {
		t.Errorf("a dispatcher's secret is guessed on: answer %d", a.code)
	}
	s.ok(s.send(http.MethodGet, v1Path+"list_jobs", s.admin, ""))
}

// What callers send fills no log: neither long paths and methods nor many refusals.
func TestTheLogIsBounded(t *testing.T) {
	s := newHarness(t)
	long := v1Path + strings.Repeat("ä", 5000)
	a := s.send(http.MethodGet, long, s.admin, "")
	wantRefusal(t, a, http.StatusNotFound, "no such path")
	if a := s.send(strings.Repeat("M", 10_000), v1Path+"list_jobs", s.admin, ""); a.code != http.StatusMethodNotAllowed {
		t.Errorf("a long method: answer %d", a.code)
	}
	for range 300 {
		s.send(http.MethodGet, v1Path+"list_jobs", "wrong", "")
	}
	refused := 0
	for line := range strings.Lines(s.log.String()) {
		if !strings.Contains(line, "msg=request ") {
			continue
		}
		if len(line) > 1000 {
			t.Errorf("a line of %d bytes: %.300s", len(line), line)
		}
		if strings.Contains(line, "status=401") {
			refused++
		}
	}
	if refused < 10 || refused > 100 {
		t.Errorf("%d of 300 refusals are in the log", refused)
	}
	eventstest.Eventually(t, "a line says how many are not in the log", func() bool {
		s.send(http.MethodGet, v1Path+"list_jobs", "wrong", "")
		return strings.Contains(s.log.String(), "refusals_not_logged=")
	})
	if !strings.Contains(s.log.String(), "ä…") {
		t.Error("no path is marked as cut")
	}
}
