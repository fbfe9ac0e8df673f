package gateway_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
)

// subscribe opens the stream of events; the channel gives its lines, and is
// closed when it ends.
func (s *harness) subscribe(token, query string) <-chan string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+"/api/v2/events"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("answer %d", resp.StatusCode)
	}
	lines := make(chan string, 1000) // all that a test can bring
	go func() {                      // ends with the stream, and that with the test
		defer close(lines)
		defer resp.Body.Close()
		for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines
}

// find reads up to a line with a text; false when the stream ends before.
func find(lines <-chan string, text string) bool {
	for line := range lines {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

func TestEvents(t *testing.T) {
	s := newHarness(t)
	alice, bob := s.user("alice", events.Operator), s.user("bob", events.Viewer)
	hers, his, all := s.subscribe(alice, ""), s.subscribe(bob, ""), s.subscribe(s.admin, "?type=result,run")
	if first := <-hers; first != "retry: 1000" {
		t.Errorf("the stream begins with %q", first)
	}
	id := s.create(alice, "job")
	if !find(hers, `"event":"created"`) || !find(hers, "") {
		t.Error("alice does not see her job")
	}
	s.putResult(id, events.CronTriggerID(id, 1), "x", 1)
	if !find(hers, "event: result") || !find(all, "event: result") {
		t.Error("a result is not seen")
	}

	// A token that is revoked ends its stream, and no other.
	if a := s.send(http.MethodGet, "/api/v2/tokens", s.admin, ""); a.code != http.StatusOK {
		t.Fatalf("answer %d %s", a.code, a.body)
	}
	token, _, _ := strings.Cut(strings.TrimPrefix(alice, "spool_"), "_")
	wantCode(t, s.send(http.MethodDelete, "/api/v2/tokens/"+token, s.admin, ""), http.StatusNoContent)
	if find(hers, "event:") {
		t.Error("after her token was revoked alice sees more")
	}

	// So does the end of the gateway.
	s.putResult(id, events.CronTriggerID(id, 2), "x", 2)
	if !find(all, "event: result") {
		t.Error("a result is not seen")
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if find(his, "event:") {
		t.Error("bob sees what is not his")
	}
	if find(all, "event:") {
		t.Error("there are more events than were stored")
	}
	wantProblem(t, s.send(http.MethodGet, "/api/v2/events", s.admin, ""), http.StatusServiceUnavailable, "stopped")
}
