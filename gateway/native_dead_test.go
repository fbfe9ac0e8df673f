package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
)

func TestNativeDeadLetters(t *testing.T) {
	s := newHarness(t)
	alice, bob, viewer := s.user("alice", events.Operator), s.user("bob", events.Operator), s.user("alice", events.Viewer)
	j, _ := s.made(alice, body{}.String())
	k, _ := s.made(alice, body{}.String())
	b, _ := s.made(bob, body{}.String())
	put := func(jobID, name string) {
		t.Helper()
		trigger := events.Trigger{ID: "manual:" + jobID + ":" + name, JobID: jobID, Kind: events.KindManual, By: "alice"}
		err := s.bus.PutDead(t.Context(), trigger, events.Result{
			TriggerID: trigger.ID, JobID: jobID, Kind: events.KindManual, Status: events.ERROR, Attempts: 9,
			HTTP: events.HTTPResult{Status: "0", Response: "refused"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range strings.FieldsSeq("1 2 3") {
		put(j.ID, "j"+name)
		put(b.ID, "b"+name)
		put(k.ID, "k"+name)
	}
	type letter struct {
		ID, At, Status string
		TriggerID      string `json:"trigger_id"`
		Attempts       int
	}
	list := func(token, query string) (names string, letters []letter) {
		t.Helper()
		for next, pages := "", 0; ; pages++ {
			page := into[struct {
				Dead []letter `json:"dead_letters"`
				Next string   `json:"next_page_token"`
			}](t, s.native(http.MethodGet, "dead-letters?page_token="+next+"&"+query, token, ""), http.StatusOK)
			for _, l := range page.Dead {
				names += l.TriggerID[strings.LastIndexByte(l.TriggerID, ':')+1:] + " "
				letters = append(letters, l)
			}
			if next = page.Next; next == "" || pages > 20 {
				return strings.TrimSpace(names), letters
			}
		}
	}
	for _, c := range []struct{ token, query, want string }{
		{alice, "", "k3 j3 k2 j2 k1 j1"},
		{alice, "limit=2", "k3 j3 k2 j2 k1 j1"},
		{viewer, "limit=1", "k3 j3 k2 j2 k1 j1"},
		{bob, "", "b3 b2 b1"},
		{s.admin, "", ""},
		{s.admin, "username=bob", "b3 b2 b1"},
		{s.admin, "username=*&limit=4", "k3 b3 j3 k2 b2 j2 k1 b1 j1"},
	} {
		if got, _ := list(c.token, c.query); got != c.want {
			t.Errorf("%q lists %q; want %q", c.query, got, c.want)
		}
	}
	_, letters := list(alice, "")
	if l := letters[0]; l.At == "" || l.Status != "ERROR" || l.Attempts != 9 {
		t.Errorf("a letter is %+v", l)
	}

	// Retried it is queued with its identity, and gone.
	path := "dead-letters/" + letters[0].ID
	wantFault(t, s.native(http.MethodPost, path+"/retry", bob, ""), http.StatusNotFound, "id: no such dead letter")
	wantFault(t, s.native(http.MethodDelete, path, bob, ""), http.StatusNotFound, "id: no such dead letter")
	wantFault(t, s.native(http.MethodPost, path+"/retry", viewer, ""), http.StatusForbidden, "may only read")
	a := s.native(http.MethodPost, path+"/retry", alice, "")
	if a.code != http.StatusAccepted || !strings.Contains(string(a.body), letters[0].TriggerID) {
		t.Errorf("answer %d %s", a.code, a.body)
	}
	m, _, err := s.bus.Triggers(events.KindRetry, k.ID).Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var queued events.Trigger
	if err := json.Unmarshal(m.Data, &queued); err != nil || queued.ID != letters[0].TriggerID || queued.By != "alice" || queued.Kind != events.KindManual {
		t.Errorf("queued is %+v, %v", queued, err)
	}
	wantFault(t, s.native(http.MethodPost, path+"/retry", alice, ""), http.StatusNotFound, "id: no such dead letter")
	if a := s.native(http.MethodDelete, "dead-letters/"+letters[1].ID, alice, ""); a.code != http.StatusNoContent {
		t.Errorf("answer %d %s", a.code, a.body)
	}
	wantFault(t, s.native(http.MethodDelete, "dead-letters/"+letters[1].ID, alice, ""), http.StatusNotFound, "")
	if got, _ := list(alice, ""); got != "k2 j2 k1 j1" {
		t.Errorf("left are %q", got)
	}

	// Of a deleted job only an administrator knows, and can only drop it.
	s.native(http.MethodDelete, "jobs/"+j.ID, alice, "")
	if got, _ := list(alice, ""); got != "k2 k1" {
		t.Errorf("left are %q", got)
	}
	path = "dead-letters/" + letters[3].ID
	wantFault(t, s.native(http.MethodDelete, path, alice, ""), http.StatusNotFound, "")
	wantFault(t, s.native(http.MethodPost, path+"/retry", s.admin, ""), http.StatusConflict, "the job is deleted")
	if a := s.native(http.MethodDelete, path, s.admin, ""); a.code != http.StatusNoContent {
		t.Errorf("answer %d %s", a.code, a.body)
	}
	if got, _ := list(s.admin, "username=*"); got != "b3 k2 b2 k1 b1 j1" {
		t.Errorf("left are %q", got)
	}
}
