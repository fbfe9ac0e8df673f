package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

type nativePage struct {
	Jobs []nativeJob `json:"jobs"`
	Next string      `json:"next_page_token"`
}

// listed follows the pages of a list and gives the names.
func (s *harness) listed(token, query string) (names string, pages int) {
	s.t.Helper()
	var list []string
	next := ""
	for pages = 1; ; pages++ {
		page := into[nativePage](s.t, s.native(http.MethodGet, "jobs?page_token="+next+"&"+query, token, ""), http.StatusOK)
		for _, j := range page.Jobs {
			list = append(list, j.Name)
		}
		if next = page.Next; next == "" || pages > 100 {
			return strings.Join(list, " "), pages
		}
	}
}

func TestNativeList(t *testing.T) {
	s := newHarness(t)
	alice, bob := s.user("alice", events.Operator), s.user("bob", events.Viewer)
	named := func(token, body string) string {
		t.Helper()
		j, _ := s.made(token, body)
		return j.ID
	}
	ok := named(alice, body{name: `"Nightly OK"`}.String())
	bad := named(alice, body{name: `"nightly-bad"`}.String())
	off := named(alice, body{name: `"Öff"`}.String())
	named(alice, automatic("drop"))
	named(s.admin, body{name: `"hers"`}.String())
	s.native(http.MethodPost, "jobs/"+off+"/disable", alice, "")
	for id, status := range map[string]events.Status{ok: events.OK, bad: events.ERROR} {
		err := s.bus.PutResult(t.Context(), events.Result{
			TriggerID: events.CronTriggerID(id, 1), JobID: id, Kind: events.KindCron, Minute: 1, EndedNS: 5e9, Status: status,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	eventstest.Eventually(t, "the results are indexed", func() bool {
		list, _ := s.listed(alice, "last_result=none")
		return list == "Öff drop"
	})
	for _, c := range []struct{ query, want string }{
		{"", "Nightly OK nightly-bad Öff drop"},
		{"status=ENABLED", "Nightly OK nightly-bad drop"},
		{"status=DISABLED", "Öff"},
		{"mode=cron", "Nightly OK nightly-bad Öff"},
		{"mode=automatic", "drop"},
		{"last_result=OK", "Nightly OK"},
		{"last_result=ERROR", "nightly-bad"},
		{"q=NIGHTLY", "Nightly OK nightly-bad"},
		{"q=%C3%B6f", "Öff"},
		{"q=nightly&last_result=ERROR&mode=cron&status=ENABLED", "nightly-bad"},
		{"q=nothing", ""},
		{"username=alice", "Nightly OK nightly-bad Öff drop"},
	} {
		for _, limit := range []string{"", "&limit=1", "&limit=2"} {
			if got, _ := s.listed(alice, c.query+limit); got != c.want {
				t.Errorf("%s%s lists %q; want %q", c.query, limit, got, c.want)
			}
		}
	}
	if got, _ := s.listed(s.admin, "username=*"); got != "Nightly OK nightly-bad Öff drop hers" {
		t.Errorf("everybody's are %q", got)
	}
	if got, _ := s.listed(s.admin, ""); got != "hers" {
		t.Errorf("the admin's are %q", got)
	}
	if got, _ := s.listed(bob, ""); got != "" {
		t.Errorf("bob's are %q", got)
	}
	page := into[nativePage](t, s.native(http.MethodGet, "jobs?q=nightly", alice, ""), http.StatusOK)
	last := page.Jobs[0].LastResult
	if last == nil || last.Status != "OK" || last.TriggerID != events.CronTriggerID(ok, 1) || last.Ended.Unix() != 5 {
		t.Errorf("the last result is %+v", last)
	}
	if raw := s.native(http.MethodGet, "jobs?q=nothing", alice, ""); !strings.HasPrefix(string(raw.body), `{"jobs":[],"total":{"count":0,"exact":true},"known_from":"`) {
		t.Errorf("an empty list is %s", raw.body)
	}
}

func TestNativeListIsPaged(t *testing.T) {
	s := newHarness(t)
	var want []string
	for n := range 105 {
		name := fmt.Sprintf("j%03d", n)
		s.made(s.admin, body{name: `"` + name + `"`}.String())
		want = append(want, name)
	}
	for query, pages := range map[string]int{"": 2, "limit=1000": 1, "limit=35": 3, "limit=16": 7, "limit=104": 2} {
		if got, n := s.listed(s.admin, query); got != strings.Join(want, " ") || n != pages {
			t.Errorf("%q lists %q in %d pages; want %d", query, got, n, pages)
		}
	}
	// What goes and comes meanwhile moves nothing.
	first := into[nativePage](t, s.native(http.MethodGet, "jobs?limit=3", s.admin, ""), http.StatusOK)
	s.native(http.MethodDelete, "jobs/"+first.Jobs[2].ID, s.admin, "")
	s.native(http.MethodDelete, "jobs/"+first.Jobs[0].ID, s.admin, "")
	second := into[nativePage](t, s.native(http.MethodGet, "jobs?limit=2&page_token="+first.Next, s.admin, ""), http.StatusOK)
	if len(second.Jobs) != 2 || second.Jobs[0].Name != "j003" || second.Jobs[1].Name != "j004" {
		t.Errorf("the second page is %+v", second.Jobs)
	}
}

func TestPreview(t *testing.T) {
	s := newHarness(t)
	type preview struct {
		Description, Timezone string
		Next                  []struct{ UTC, Local string }
		Warnings              []string
	}
	ask := func(body string) preview {
		t.Helper()
		return into[preview](t, s.native(http.MethodPost, "schedule/preview", s.admin, body), http.StatusOK)
	}
	got := ask(`{"schedule":"30 2 * * *","timezone":"Europe/Paris","from":"2026-03-28T00:00:00Z","count":3}`)
	var next []string
	for _, n := range got.Next {
		next = append(next, n.UTC+" "+n.Local)
	}
	want := "2026-03-28T01:30:00Z 2026-03-28T02:30:00+01:00, 2026-03-29T01:00:00Z 2026-03-29T03:00:00+02:00, " +
		"2026-03-30T00:30:00Z 2026-03-30T02:30:00+02:00"
	if strings.Join(next, ", ") != want || got.Timezone != "Europe/Paris" || len(got.Warnings) == 0 ||
		got.Description != "At 02:30 every day (Europe/Paris)." {
		t.Errorf("the preview is %+v", got)
	}
	if got := ask(`{"schedule":"@hourly","timezone":null}`); len(got.Next) != 5 || got.Timezone != "UTC" || got.Warnings == nil {
		t.Errorf("the preview is %+v", got)
	}
	if got := ask(`{"schedule":"* * * * *","count":100}`); len(got.Next) != 100 {
		t.Errorf("%d slots", len(got.Next))
	}
	if got := ask(`{"schedule":"0 0 29 2 *","from":"9999-01-01T00:00:00Z","count":5}`); len(got.Next) != 0 {
		t.Errorf("after the end of time %+v", got)
	}
}
