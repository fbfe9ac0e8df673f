package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// dies stores a dead letter of a job.
func (s *harness) dies(jobID, name, status, response string) {
	s.t.Helper()
	trigger := events.Trigger{ID: "manual:" + jobID + ":" + name, JobID: jobID, Kind: events.KindManual}
	err := s.bus.PutDead(s.t.Context(), trigger, events.Result{
		TriggerID: trigger.ID, JobID: jobID, Kind: events.KindManual, Status: events.ERROR, Attempts: 4, EndedNS: time.Now().UnixNano(),
		HTTP: events.HTTPResult{Status: status, Response: response},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// deadPage is a page of dead letters with its groups.
type deadPage struct {
	Dead []struct {
		ID        string
		TriggerID string `json:"trigger_id"`
		At        time.Time
	} `json:"dead_letters"`
	Total *struct {
		Count int
		Exact bool
	}
	Groups []struct {
		JobID       string `json:"job_id"`
		Name, Error string
		Count       int
		Newest      time.Time
	}
	Next string `json:"next_page_token"`
}

func (s *harness) dead(token, query string) deadPage {
	s.t.Helper()
	return into[deadPage](s.t, s.native(http.MethodGet, "dead-letters"+query, token, ""), http.StatusOK)
}

func (p deadPage) groups() (all []string) {
	for _, g := range p.Groups {
		all = append(all, fmt.Sprintf("%d × %s, %s", g.Count, g.Error, g.Name))
	}
	return all
}

func TestDeadLetterGroups(t *testing.T) {
	s := newHarness(t)
	ann, bob := s.user("ann", events.Operator), s.user("bob", events.Operator)
	letters, _ := s.made(ann, body{name: `"letters"`}.String())
	other, _ := s.made(ann, body{name: `"other"`}.String())
	his, _ := s.made(bob, body{name: `"his"`}.String())
	for i := range 12 {
		s.dies(letters.ID, fmt.Sprint("a", i), "0", fmt.Sprintf(`Post "http://127.0.0.1:%d/run": dial tcp 127.0.0.1:%d: connect: connection refused`, i, i))
	}
	for i := range 3 {
		s.dies(other.ID, fmt.Sprint("b", i), "503", fmt.Sprintf("<html>request %d</html>", i))
	}
	s.dies(his.ID, "c", "0", "x: connection refused")
	since := time.Now()
	s.dies(other.ID, "d", "200", `{"status":"ERROR","msg":"table locked"}`)

	page := s.dead(ann, "?limit=2")
	want := []string{"12 × connection refused, letters", "3 × HTTP status 503, other", "1 × table locked, other"}
	if diff := cmp.Diff(want, page.groups()); diff != "" || page.Total.Count != 16 || !page.Total.Exact {
		t.Errorf("total %+v, groups (-want +got):\n%s", page.Total, diff)
	}
	if next := s.dead(ann, "?limit=2&page_token="+page.Next); next.Total != nil || next.Groups != nil || len(next.Dead) != 2 {
		t.Errorf("the second page is %+v", next)
	}
	for query, want := range map[string]int{
		"?job_id=" + letters.ID:                                           12,
		"?error=" + url.QueryEscape("CONNECTION ref"):                     12,
		"?error=503&job_id=" + other.ID:                                   3,
		"?since=" + url.QueryEscape(since.UTC().Format(time.RFC3339Nano)): 1,
		"?error=nothing":                                                  0,
	} {
		if page := s.dead(ann, query); page.Total.Count != want || len(page.Dead) != want {
			t.Errorf("%s means %+v and %d; want %d", query, page.Total, len(page.Dead), want)
		}
	}
	wantFault(t, s.native(http.MethodGet, "dead-letters?job_id="+his.ID, ann, ""), http.StatusNotFound, "no such job")
	wantFault(t, s.native(http.MethodGet, "dead-letters?job_id=x", ann, ""), http.StatusBadRequest, "job_id")

	one := page.Dead[0]
	got := into[struct{ ID, Why string }](t, s.native(http.MethodGet, "dead-letters/"+one.ID, ann, ""), http.StatusOK)
	if got.ID != one.ID {
		t.Errorf("one is %+v", got)
	}
	wantFault(t, s.native(http.MethodGet, "dead-letters/"+one.ID, bob, ""), http.StatusNotFound, "no such dead letter")

	// All that are alike are retried, in their order, and those that are not stay.
	selection := `{"filter":{"error":"connection refused"}}`
	wantFault(t, s.chosen("dead-letters", ann, selection, "retry", 11), http.StatusConflict, "expect: is 11, and 12 are selected now")
	if b := s.all("dead-letters", ann, selection, "retry"); b.Done != 12 || b.Fails != 0 {
		t.Errorf("retried %+v", b)
	}
	var order []string
	if err := s.bus.Triggers(events.KindRetry, letters.ID).Each(t.Context(), func(tr events.Trigger) { order = append(order, tr.ID[len(tr.ID)-2:]) }); err != nil || len(order) != 12 || order[0] != "a0" || order[11] != "11" {
		t.Errorf("queued %v, %v", order, err)
	}
	if b := s.all("dead-letters", ann, `{"ids":["`+one.ID+`","999999"]}`, "drop"); b.Count != 1 || b.Done != 1 {
		t.Errorf("dropped %+v", b)
	}
	if page := s.dead(ann, ""); page.Total.Count != 3 {
		t.Errorf("left are %+v", page.groups())
	}
	if page := s.dead(bob, ""); page.Total.Count != 1 {
		t.Errorf("of bob are left %+v", page.groups())
	}
	wantFault(t, s.chosen("dead-letters", ann, `{"filter":{}}`, "delete", -1), http.StatusBadRequest, "action: must be one of retry, drop")
}
