package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// executions lists what a call answers, page by page: job names and outcomes, newest first.
func (s *standing) executions(path, token string) string {
	s.t.Helper()
	names := map[string]string{}
	for name, id := range s.ids {
		names[id] = strings.ReplaceAll(name, " ", "_")
	}
	var list []string
	for after := ""; ; {
		page := into[struct {
			Results []struct {
				JobID   string `json:"job_id"`
				Outcome string
			}
			KnownFrom time.Time `json:"known_from"`
			Next      string    `json:"next_page_token"`
		}](s.t, s.native(http.MethodGet, path+after, token, ""), http.StatusOK)
		for _, r := range page.Results {
			list = append(list, names[r.JobID]+":"+r.Outcome)
		}
		if page.KnownFrom.IsZero() || page.KnownFrom.After(time.Now().Add(-24*time.Hour)) {
			s.t.Errorf("%s is known from %s", path, page.KnownFrom)
		}
		if page.Next == "" {
			return strings.Join(list, " ")
		}
		after = "&page_token=" + page.Next
	}
}

func TestExecutionsOfAllJobs(t *testing.T) {
	s := newStanding(t)
	all := "first_run:running stopped:cancelled dead:gave_up foreign:called goes_on:running goes_on:failed mended:ok mended:failed Invoices:failed Invoices:failed Invoices:ok backup:ok"
	tomorrow := url.QueryEscape(time.Now().Add(24 * time.Hour).Format(time.RFC3339))
	for _, c := range []struct{ query, want string }{
		{"", all},
		{"outcome=failed,gave_up", "dead:gave_up goes_on:failed mended:failed Invoices:failed Invoices:failed"},
		{"outcome=running", "first_run:running goes_on:running"},
		{"kind=cron", all},
		{"kind=file", ""},
		{"job_id=" + s.ids["mended"], "mended:ok mended:failed"},
		{"q=invo", "Invoices:failed Invoices:failed Invoices:ok"},
		{"q=" + events.CronTriggerID(s.ids["Invoices"], 2), "Invoices:failed"},
		{"from=" + tomorrow, ""},
		{"to=" + tomorrow, all},
		{"from=2020-01-01T00:00:00Z&outcome=called", "foreign:called"},
	} {
		for _, limit := range []string{"?limit=1000&", "?limit=1&", "?limit=5&"} {
			if got := s.executions("results"+limit+c.query, s.alice); got != c.want {
				t.Errorf("%s%s: %s\nwant %s", limit, c.query, got, c.want)
			}
		}
	}
	for _, c := range []struct{ query, want string }{
		{"?outcome=failed", "Invoices:failed Invoices:failed"},
		{"?limit=1&status=OK", "Invoices:failed Invoices:failed Invoices:ok"},
		{"?kind=manual", ""},
		{"?limit=1&outcome=ok,failed", "Invoices:failed Invoices:failed Invoices:ok"},
	} {
		if got := s.executions("jobs/"+s.ids["Invoices"]+"/results"+c.query, s.alice); got != c.want {
			t.Errorf("of one job, %s: %s\nwant %s", c.query, got, c.want)
		}
	}
	for _, c := range []struct{ query, want string }{
		{"outcome=bad", "outcome: bad is not one of waiting, retrying"},
		{"from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to: is before from"},
		{"kind=clock", "kind:"},
	} {
		if a := s.native(http.MethodGet, "results?"+c.query, s.alice, ""); a.code != http.StatusBadRequest || !strings.Contains(string(a.body), c.want) {
			t.Errorf("%s: %d %s", c.query, a.code, a.body)
		}
	}
}

// Another owner's jobs count in nothing that a caller sees.
func TestAnothersJobsDoNotCount(t *testing.T) {
	s := newStanding(t)
	hers := s.ids["hers"]
	if got := s.executions("results?limit=100&q=hers", s.alice); got != "" {
		t.Errorf("alice sees %s", got)
	}
	if got := s.executions("results?limit=100&q="+events.CronTriggerID(hers, 1), s.alice); got != "" {
		t.Errorf("alice sees %s by its trigger", got)
	}
	if got := s.executions("results?limit=100", s.admin); got != "hers:failed" {
		t.Errorf("the admin's own are %s", got)
	}
	for _, path := range []string{"results?job_id=" + hers, "upcoming?job_id=" + hers, "jobs/" + hers + "/results"} {
		if a := s.native(http.MethodGet, path, s.alice, ""); a.code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
	for _, path := range []string{"results", "upcoming", "jobs", "overview"} {
		if a := s.native(http.MethodGet, path+"?username=*", s.alice, ""); a.code != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
		if a := s.native(http.MethodGet, path, s.alice, ""); strings.Contains(string(a.body), hers) {
			t.Errorf("%s shows alice %s", path, a.body)
		}
	}
	for _, query := range []string{"q=" + hers, "state=failing&q=hers", "next_before=2090-01-01T00:00:00Z&q=hers"} {
		if list, _ := s.listed(s.alice, query); list != "" {
			t.Errorf("%s lists %s for alice", query, list)
		}
	}
}

func TestUpcoming(t *testing.T) {
	s := newStanding(t)
	list := func(query, token string) (names []string, slots []time.Time) {
		t.Helper()
		for after := ""; ; {
			page := into[struct {
				Upcoming []struct {
					Name, Description string
					Slot              time.Time
					UsualMS           *int `json:"usual_ms"`
				}
				Next string `json:"next_page_token"`
			}](t, s.native(http.MethodGet, "upcoming?"+query+after, token, ""), http.StatusOK)
			for _, u := range page.Upcoming {
				names, slots = append(names, u.Name), append(slots, u.Slot)
				if u.Name == "backup" && (u.UsualMS == nil || *u.UsualMS != 1000) {
					t.Errorf("a slot is %+v", u)
				}
			}
			if page.Next == "" {
				return names, slots
			}
			after = "&page_token=" + page.Next
		}
	}
	for _, limit := range []string{"1000", "7", "100"} {
		names, slots := list("limit="+limit, s.alice)
		count := map[string]int{}
		for i, name := range names {
			count[name]++
			if i > 0 && slots[i].Before(slots[i-1]) {
				t.Fatalf("%s at %s comes after %s", name, slots[i], slots[i-1])
			}
		}
		// In 24 hours from now: each minute, each hour, once a day, and nothing of a disabled job.
		if n := count["goes on"]; n < 1439 || n > 1440 || count["mended"] != 24 || count["backup"] != 1 || count["Invoices"] != 1 || count["stopped"] != 0 || count["hers"] != 0 {
			t.Errorf("limit %s: slots of %v", limit, count)
		}
	}
	from := time.Now().Truncate(time.Hour).Add(10*time.Hour + time.Second)
	at := func(t time.Time) string { return url.QueryEscape(t.Format(time.RFC3339)) }
	names, slots := list("q=mended&from="+at(from)+"&to="+at(from.Add(3*time.Hour)), s.alice)
	if len(names) != 3 || slots[2].After(from.Add(3*time.Hour)) {
		t.Errorf("in three hours %v", slots)
	}
	// A page token keeps the end of the window, whenever the next page is asked for.
	first := into[struct {
		Next string `json:"next_page_token"`
	}](t, s.native(http.MethodGet, "upcoming?q=mended&limit=1&from="+at(from), s.alice, ""), http.StatusOK)
	if _, slots = list("q=mended&page_token="+first.Next, s.alice); len(slots) != 23 || slots[22].Before(from.Add(23*time.Hour-time.Minute)) {
		t.Errorf("after the first of 24 slots come %v", slots)
	}
	if names, _ := list("job_id="+s.ids["backup"]+"&limit=5", s.admin); len(names) != 1 {
		t.Errorf("of one job the admin sees %v", names)
	}
	for _, c := range []struct{ query, want string }{
		{"to=2020-01-01T00:00:00Z", "to: has passed"},
		{"to=2999-01-01T00:00:00Z", "366 days"},
	} {
		if a := s.native(http.MethodGet, "upcoming?"+c.query, s.alice, ""); a.code != http.StatusBadRequest || !strings.Contains(string(a.body), c.want) {
			t.Errorf("%s: %d %s", c.query, a.code, a.body)
		}
	}
}
