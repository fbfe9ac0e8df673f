package gateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// as is who asks for a page.
func as(token string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept-Encoding", "identity")
	}
}

// cells asks for parts of a page.
func (s *harness) cells(path, token, ids string, edit ...func(*http.Request)) string {
	s.t.Helper()
	a := s.look(path, append(edit, as(token), header("Spool-Cells", ids))...)
	if a.code != http.StatusOK {
		s.t.Fatalf("%s, cells %s: %d %s", path, ids, a.code, a.body)
	}
	return string(a.body)
}

// Rows are read again by the ids of their cells: those that the reader may see, and of those
// that are gone who deleted them. What is counted comes when it is asked for.
func TestJobsPageRereads(t *testing.T) {
	s := newHarness(t)
	alice := s.user("alice", events.Operator)
	since := time.Now().UTC().Format(time.RFC3339Nano)
	mine, _ := s.made(alice, body{name: `"mine"`}.String())
	gone, _ := s.made(alice, body{name: `"gone"`}.String())
	hers, _ := s.made(s.admin, body{name: `"hers"`}.String())
	s.native(http.MethodDelete, "jobs/"+gone.ID, alice, "")
	ids := strings.Join([]string{mine.ID, gone.ID, hers.ID, "manual:x:y", uuid.NewString(), "*", ">"}, ",")
	eventstest.Eventually(t, "the deletion is known", func() bool {
		return strings.Contains(s.cells("/jobs", alice, ids), "deleted by alice")
	})
	text := s.cells("/jobs", alice, ids)
	for name, is := range map[string]bool{
		`data-cell="` + mine.ID + `/next"`: true, `data-cell="` + gone.ID + `/name"`: true, "hers": false, "all/chips": false, "all/total": false,
	} {
		if strings.Contains(text, name) != is {
			t.Errorf("%s: %v, want %v in %s", name, !is, is, text)
		}
	}
	text = s.cells("/jobs?q=mine", alice, "all", header("Spool-Since", since))
	for _, want := range []string{"1 new, show", "1 of 1 job", "all/chips"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(text, "data-row") {
		t.Error("rows come that nobody asked for")
	}
	if text = s.cells("/jobs?q=other", alice, "all", header("Spool-Since", since)); strings.Contains(text, "new, show") {
		t.Error("a new job is counted that does not match")
	}
}

// A form starts one run, and asks before another.
func TestRunNowAsks(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{name: `"nightly"`}.String())
	key, _ := uuid.NewV7()
	post := func(key string, more url.Values, edit ...func(*http.Request)) answer {
		values := url.Values{"key": {key}, "next": {"/jobs?q=night"}}
		maps.Copy(values, more)
		return s.form("/jobs/"+j.ID+"/run", values, append(edit, as(s.admin))...)
	}
	first := post(key.String(), nil)
	to, err := url.Parse(first.header.Get("Location"))
	if err != nil || first.code != http.StatusSeeOther || to.Path != "/jobs" || to.Query().Get("q") != "night" || !strings.HasPrefix(to.Query().Get("did"), "manual:") {
		t.Fatalf("%d to %s", first.code, first.header.Get("Location"))
	}
	again := post(key.String(), nil, header("Spool-Note", "1"))
	if text := string(again.body); again.code != http.StatusOK || !strings.Contains(text, "It was started by you") || !strings.Contains(text, "Run once more") {
		t.Errorf("the same form again: %d %s", again.code, text)
	}
	if other := post(uuid.Must(uuid.NewV7()).String(), nil); other.code != http.StatusUnprocessableEntity || !strings.Contains(string(other.body), "Run once more") {
		t.Errorf("another form a moment later: %d", other.code)
	}
	if n, err := s.bus.Triggers(events.KindManual, j.ID).Count(t.Context()); err != nil || n != 1 {
		t.Errorf("%d runs are asked for, %v", n, err)
	}
	if yes := post(uuid.Must(uuid.NewV7()).String(), url.Values{"again": {"1"}}); yes.code != http.StatusSeeOther {
		t.Errorf("after the question: %d", yes.code)
	}
	if n, err := s.bus.Triggers(events.KindManual, j.ID).Count(t.Context()); err != nil || n != 2 {
		t.Errorf("%d runs are asked for, %v", n, err)
	}
}

// Many jobs are counted first, and left alone when their number is another by then.
func TestManyJobsOnThePage(t *testing.T) {
	s := newHarness(t)
	alice, vera := s.user("alice", events.Operator), s.user("vera", events.Viewer)
	for n := range 7 {
		s.made(alice, body{name: fmt.Sprintf("%q", fmt.Sprint("old ", n)), schedule: `"* * * * *"`}.String())
	}
	s.made(alice, body{name: `"new"`}.String())
	s.settled(alice, 8)
	ask := "/jobs/bulk?action=disable&all=1&q=old"
	a := s.look(ask, as(alice))
	for _, want := range []string{"Disable 7 jobs?", "and 2 more", "7 run by the clock within the hour", `name="expect" value="7"`, `name="q" value="old"`} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("%q is not in the question: %s", want, a.body)
		}
	}
	form := url.Values{"action": {"disable"}, "all": {"1"}, "q": {"old"}, "expect": {"6"}, "key": {uuid.NewString()}, "reason": {"kept as typed"}}
	if a := s.form("/jobs/bulk", form, as(alice)); a.code != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), "7 are selected now") ||
		!strings.Contains(string(a.body), `value="kept as typed"`) {
		t.Errorf("another number: %d %s", a.code, a.body)
	}
	form.Set("until", "yesterday")
	form.Set("expect", "7")
	if a := s.form("/jobs/bulk", form, as(alice)); a.code != http.StatusUnprocessableEntity || !strings.Contains(string(a.body), `href="#f-until"`) {
		t.Errorf("an until that is no time: %d %s", a.code, a.body)
	}
	form.Del("until")
	a = s.form("/jobs/bulk", form, as(alice))
	if a.code != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/bulk/") {
		t.Fatalf("%d %s", a.code, a.body)
	}
	eventstest.Eventually(t, "it is through", func() bool {
		return strings.Contains(string(s.look(a.header.Get("Location"), as(alice)).body), "Through")
	})
	for path, status := range map[string]int{ask: http.StatusForbidden, "/jobs": http.StatusOK, "/upcoming": http.StatusOK, a.header.Get("Location"): http.StatusNotFound} {
		a := s.look(path, as(vera))
		if a.code != status || strings.Contains(string(a.body), `action="/jobs/`) {
			t.Errorf("a viewer, %s: %d %s", path, a.code, a.body)
		}
	}
	for path, says := range map[string]string{
		"/jobs?state=x": "State", "/jobs?q=a&q=b": "Q", "/jobs?after=x": "next_page_token", "/jobs/bulk?action=eat&all=1": "must be one of", "/jobs/bulk?action=run": "no job is marked", "/upcoming?from=x": "RFC 3339",
	} {
		if a := s.look(path, as(alice)); a.code != http.StatusBadRequest || !strings.Contains(strings.ToLower(string(a.body)), strings.ToLower(says)) {
			t.Errorf("%s: %d, and does not say %q", path, a.code, says)
		}
	}
}

// settled waits until so many jobs are listed.
func (s *harness) settled(token string, jobs int) {
	s.t.Helper()
	eventstest.Eventually(s.t, "the jobs are listed", func() bool {
		return len(into[nativePage](s.t, s.native(http.MethodGet, "jobs", token, ""), http.StatusOK).Jobs) == jobs
	})
}
