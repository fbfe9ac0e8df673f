package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func TestWhoSeesWhat(t *testing.T) {
	s := newHarness(t)
	alice, bob := s.user("alice", events.Operator), s.user("bob", events.Viewer)
	a1 := s.create(alice, "a1")
	s.create(s.admin, "m1")
	s.create(alice, "a2")
	for _, c := range []struct{ name, token, query, want string }{
		{"one's own", alice, "", "a1 a2"},
		{"one's own by name", alice, "?username=alice", "a1 a2"},
		{"the admin's own", s.admin, "", "m1"},
		{"none", bob, "", ""},
		{"everybody's", s.admin, "?username=*", "a1 m1 a2"},
		{"alice's", s.admin, "?username=alice", "a1 a2"},
		{"nobody's", s.admin, "?username=nobody", ""},
		{"one job", alice, "?job_id=" + a1, "a1"},
		{"one job of another", s.admin, "?job_id=" + a1, "a1"},
		{"both", s.admin, "?username=alice&job_id=" + a1, "a1"},
		{"both, everybody's", s.admin, "?job_id=" + a1 + "&username=*", "a1"},
		{"parameters left out", alice, "?job_id=&username=", "a1 a2"},
		{"parameters of others", alice, "?verbose=1", "a1 a2"},
	} {
		jobs, _ := s.list(c.token, c.query)
		if got := names(jobs); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	var v struct{ Jobs []listedJob }
	a := s.ok(s.send(http.MethodGet, v1Path+"list_jobs", s.admin, `{"username":"alice","job_id":null,"limit":1}`))
	if err := json.Unmarshal(a.body, &v); err != nil || names(v.Jobs) != "a1" {
		t.Errorf("arguments in a body: %s", a.body)
	}
	a = s.ok(s.send(http.MethodGet, v1Path+"list_jobs", bob, ""))
	if got := strings.TrimSpace(string(a.body)); got != `{"status":"OK","jobs":[]}` {
		t.Errorf("no jobs are listed as %s", got)
	}
}

func TestPages(t *testing.T) {
	s := newHarness(t)
	var want []string
	for n := range 40 {
		name := fmt.Sprintf("j%02d", n)
		want = append(want, name)
		s.create(s.admin, name)
	}
	for _, limit := range []int{1, 7, 20, 39, 40, 41, 1000} {
		var got []string
		query := fmt.Sprintf("?limit=%d", limit)
		for pages := 1; ; pages++ {
			jobs, next := s.list(s.admin, query)
			for _, j := range jobs {
				got = append(got, j.Name)
			}
			if next == "" {
				if most := (40 + limit - 1) / limit; pages != most {
					t.Errorf("limit %d: %d pages, want %d", limit, pages, most)
				}
				break
			}
			query = fmt.Sprintf("?limit=%d&page_token=%s", limit, next)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	// A page goes on behind its last job, also when that one is gone and others came.
	jobs, next := s.list(s.admin, "?limit=3")
	s.post("delete_job", `{"job_id":"`+jobs[2].ID+`"}`)
	s.create(s.admin, "late")
	jobs, _ = s.list(s.admin, "?limit=2&page_token="+next)
	if names(jobs) != "j03 j04" {
		t.Errorf("the second page holds %s", names(jobs))
	}
	jobs, _ = s.list(s.admin, "?page_token="+next)
	if !strings.HasPrefix(names(jobs), "j03") || !strings.HasSuffix(names(jobs), "late") || len(jobs) != 38 {
		t.Errorf("the rest is %s", names(jobs))
	}
}

// putResult stores a result as the dispatcher does.
func (s *harness) putResult(jobID, trigger, response string, endedNS int64) {
	s.t.Helper()
	err := s.bus.PutResult(s.t.Context(), events.Result{
		TriggerID: trigger, JobID: jobID, EndedNS: endedNS, Status: events.OK,
		HTTP: events.HTTPResult{Status: "200", Response: response},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// times waits until the newest listed result is the one that ended at the given time, and gives all.
func (s *harness) times(jobID, newest string) []string {
	s.t.Helper()
	var got []string
	eventstest.Eventually(s.t, "result "+newest+" is listed", func() bool {
		jobs, _ := s.list(s.admin, "?job_id="+jobID)
		got = nil
		for _, r := range jobs[0].Results {
			got = append(got, r.TimeInNS)
		}
		return len(got) > 0 && got[0] == newest
	})
	return got
}

func TestResultsAreListed(t *testing.T) {
	s := newHarness(t)
	id, other := s.create(s.admin, "job"), s.create(s.admin, "other")
	for n := range 15 {
		s.putResult(other, events.ManualTriggerID(other, uuid.NewString()), "", int64(1000+n))
		s.putResult(id, events.CronTriggerID(id, events.Minute(n)), "", int64(n))
		if got := s.times(id, fmt.Sprint(n)); len(got) != min(n+1, 10) {
			t.Errorf("after %d results %d are listed", n+1, len(got))
		}
	}
	if diff := cmp.Diff(strings.Fields("14 13 12 11 10 9 8 7 6 5"), s.times(id, "14")); diff != "" {
		t.Errorf("last 10, newest first (-want +got):\n%s", diff)
	}
	raw := s.send(http.MethodGet, v1Path+"list_jobs?job_id="+id, s.admin, "")
	if !strings.Contains(string(raw.body), `{"timeInNS":"14","status":"OK","http_result":{"status":"200","headers":[],"response":""}}`) {
		t.Errorf("a result is listed as %s", raw.body)
	}
	// A second result of one trigger takes the place of the first. Stored
	// directly: PutResult drops it while the broker remembers the first.
	again := events.Result{TriggerID: events.CronTriggerID(id, 9), JobID: id, EndedNS: 99, Status: events.ERROR}
	if err := s.bus.PutResults(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("99 14 13 12 11 10 8 7 6 5")
	if diff := cmp.Diff(want, s.times(id, "99")); diff != "" {
		t.Errorf("folded (-want +got):\n%s", diff)
	}
	// All of it is in the stream: another start shows the same.
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.start()
	jobs, _ := s.list(s.admin, "?job_id="+id)
	var got []string
	for _, r := range jobs[0].Results {
		got = append(got, r.TimeInNS)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

// A part of a list whose results are too many bytes is read in smaller parts: nothing is left out or comes twice.
func TestLargeResultsAreListed(t *testing.T) {
	s := newHarness(t, withBytes(2<<30))
	var want []string
	last := ""
	for n := range 40 {
		name := fmt.Sprintf("j%02d", n)
		want = append(want, name)
		last = s.create(s.admin, name)
		var results []events.Result
		for i := range 10 {
			r := events.Result{TriggerID: events.CronTriggerID(last, events.Minute(i)), JobID: last, EndedNS: int64(i), Status: events.OK}
			r.HTTP = events.HTTPResult{Status: "200", Response: strings.Repeat("x", 1000*n)}
			results = append(results, r)
		}
		if err := s.bus.PutResults(t.Context(), results...); err != nil {
			t.Fatal(err)
		}
	}
	s.times(last, "9")
	jobs, _ := s.list(s.admin, "")
	if got := strings.Fields(names(jobs)); !cmp.Equal(want, got) {
		t.Errorf("jobs (-want +got):\n%s", cmp.Diff(want, got))
	}
	for n, j := range jobs {
		for i, r := range j.Results {
			if len(j.Results) != 10 || r.TimeInNS != fmt.Sprint(9-i) || len(r.HTTP.Response) != 1000*n {
				t.Fatalf("%s: %d results, the %dth of %s with %d bytes", j.Name, len(j.Results), i, r.TimeInNS, len(r.HTTP.Response))
			}
		}
	}
}

func TestResultsOfDeletedJobsArePurged(t *testing.T) {
	s := newHarness(t)
	stored := func(id string) bool {
		_, found, err := s.bus.Results(id).Last(t.Context())
		return err != nil || found
	}
	put := func(id string) {
		for n := range 3 {
			s.putResult(id, events.CronTriggerID(id, events.Minute(n)), "", 1)
		}
	}
	kept, seen, unseen := s.create(s.admin, "kept"), s.create(s.admin, "seen"), s.create(s.admin, "unseen")
	for _, id := range []string{kept, seen, unseen} {
		put(id)
	}
	s.post("delete_job", `{"job_id":"`+seen+`"}`)
	eventstest.Eventually(t, "results of a job deleted under its eyes are purged", func() bool { return !stored(seen) })

	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	rev, err := s.bus.Job(t.Context(), unseen)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.bus.PutJob(t.Context(), events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: unseen}}, rev.Seq); err != nil {
		t.Fatal(err)
	}
	orphan := uuid.NewString() // its deletion is forgotten
	put(orphan)
	put(seen) // a call that ended late
	s.start()
	for _, id := range []string{unseen, orphan, seen} {
		eventstest.Eventually(t, "results of unknown jobs are purged at the start", func() bool { return !stored(id) })
	}
	if jobs, _ := s.list(s.admin, ""); len(jobs) != 1 || len(jobs[0].Results) != 3 {
		t.Errorf("the job that stayed is listed as %+v", jobs)
	}
}

// A list that cannot go on must never look complete.
func TestListBreaksOff(t *testing.T) {
	s := newHarness(t)
	answer := strings.Repeat("x", 1<<10)
	var last string
	for range 160 { // far more than are read ahead while the client does not take them
		last = s.create(s.admin, "job")
		for n := range 10 {
			s.putResult(last, events.CronTriggerID(last, events.Minute(n)), answer, int64(n))
		}
	}
	s.times(last, "9")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+v1Path+"list_jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.admin)
	resp, err := unbuffered(t, s.gateway.Handler()).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	head := make([]byte, 1024)
	if _, err := io.ReadFull(resp.Body, head); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the list begins with %d, %v", resp.StatusCode, err)
	}
	// Nothing but the buffers of both sides, some KB, is between them: most of the list is still to be read from the broker.
	s.broker.Shutdown()
	s.broker.WaitForShutdown()
	rest, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("after %d bytes the list ends with %v; want a broken connection", len(rest), err)
	}
	if json.Valid(append(head, rest...)) {
		t.Error("the broken list is well-formed")
	}
	eventstest.Eventually(t, "the log tells of it", func() bool { return strings.Contains(s.log.String(), "a list was broken off") })
	a := s.send(http.MethodGet, v1Path+"list_jobs", s.admin, "")
	if a.code != http.StatusServiceUnavailable || a.status() != "ERROR" || a.header.Get("Retry-After") == "" {
		t.Errorf("without a broker list_jobs answers %d %s", a.code, a.body)
	}
}

// unbuffered is a client of a handler over connections that hold nothing: what it has
// not read the handler waits with.
func unbuffered(t *testing.T, h http.Handler) *http.Client {
	t.Helper()
	l := pipes{make(chan net.Conn), t.Context()}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		_ = server.Serve(l)
		close(done)
	}()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		client, side := net.Pipe()
		select {
		case l.conns <- side:
			return client, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
	return &http.Client{Transport: transport}
}

// pipes is a listener of connections in memory.
type pipes struct {
	conns chan net.Conn
	ctx   context.Context
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
