package gateway_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"spool.internal/events"
)

// look asks for a page as a browser does.
func (s *harness) look(path string, edit ...func(*http.Request)) answer {
	s.t.Helper()
	return s.send(http.MethodGet, path, "", "", append([]func(*http.Request){header("Accept", "text/html")}, edit...)...)
}

// post sends a form as a browser does.
func (s *harness) form(path string, values url.Values, edit ...func(*http.Request)) answer {
	s.t.Helper()
	return s.send(http.MethodPost, path, "", values.Encode(), append([]func(*http.Request){
		header("Accept", "text/html"), header("Content-Type", "application/x-www-form-urlencoded"),
	}, edit...)...)
}

func withCookie(c *http.Cookie) func(*http.Request) { return header("Cookie", c.Name+"="+c.Value) }

// filled gives a path with ids that are there.
func filled(path, job, trigger, session string) string {
	path = strings.NewReplacer("{id}", job, "{trigger_id}", trigger, "{session}", session).Replace(path)
	return regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "1")
}

// stock counts what the broker holds, but for when tokens were used.
func (s *harness) stock() string {
	s.t.Helper()
	all, faults := s.bus.StreamStates(s.t.Context())
	if len(faults) > 0 {
		s.t.Fatal(faults)
	}
	var lines []string
	for _, st := range all {
		lines = append(lines, fmt.Sprintf("%s %d", st.Name, st.Messages))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

const wantPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types spool"

var hostiles = `"><img src=x onerror=alert(1)>`

// unsafe gives what a page has that the policy is there for: scripts and styles in it, and
// elements that nobody here has written.
func unsafe(page []byte) (found []string) {
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return found
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			src := ""
			for _, a := range tag.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
					found = append(found, tag.String())
				}
				if a.Key == "src" {
					src = a.Val
				}
			}
			switch tag.Data {
			case "script":
				if !strings.HasPrefix(src, "/assets/") {
					found = append(found, tag.String())
				}
			case "style", "img", "iframe", "object", "embed", "base":
				found = append(found, tag.String())
			}
		}
	}
}

// wantPage fails unless an answer is a page as all are: kept nowhere, with our policy, and
// without anything that the policy is there for.
func wantPage(t *testing.T, path string, a answer) {
	t.Helper()
	for key, want := range map[string]string{
		"Content-Security-Policy": wantPolicy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(key); got != want {
			t.Errorf("%s: %s is %q, want %q", path, key, got, want)
		}
	}
	if a.code == http.StatusSeeOther {
		return
	}
	if kind := a.header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
		t.Errorf("%s: it is %q", path, kind)
	}
	body := string(unzipped(t, a))
	if found := unsafe([]byte(body)); found != nil {
		t.Errorf("%s: has %q in it", path, found)
	}
	if !strings.Contains(body, "<h1") || strings.Count(body, "<h1") != 1 || !strings.Contains(body, "<title>") {
		t.Errorf("%s: has no title, or not one heading of the first order", path)
	}
}

// Every page and every action, for who is not logged in, a viewer and an administrator.
func TestEveryPage(t *testing.T) {
	s, _ := newDriveHarness(t)
	job, _ := s.made(s.admin, strings.Replace(body{}.String(), `"name":"`, `"name":"`+strings.ReplaceAll(hostiles, `"`, `\"`), 1))
	trigger := events.Trigger{ID: events.ManualTriggerID(job.ID, "n"), JobID: job.ID, Kind: events.KindManual}
	s.keep(events.Result{TriggerID: trigger.ID, JobID: job.ID, Kind: events.KindManual, Status: events.ERROR, HTTP: events.HTTPResult{Status: "0", Response: hostiles}})
	session, admin := s.signIn(s.admin)
	_, viewer := s.signIn(s.newToken(`{"owner":"admin","role":"viewer"}`).Token)
	pages, actions := s.gateway.Pages().Paths()
	if len(pages) < 5 || len(actions) < 5 {
		t.Fatalf("the pages are %v, the actions %v", pages, actions)
	}
	before := s.stock()
	public := []string{"/login"}
	for _, path := range pages {
		at := filled(path, job.ID, trigger.ID, session.ID)
		if a := s.look(at); slices.Contains(public, path) {
			wantCode(t, a, http.StatusOK)
		} else if to := a.header.Get("Location"); a.code != http.StatusSeeOther || at != "/" && to != "/login?next="+url.QueryEscape(at) || at == "/" && to != "/login" {
			t.Errorf("%s without a session: %d to %s", at, a.code, to)
		}
		for who, c := range map[string]*http.Cookie{"the administrator": admin, "a viewer": viewer} {
			a := s.look(at, withCookie(c))
			if a.code != http.StatusOK && a.code != http.StatusNotFound && a.code != http.StatusBadRequest && (who != "a viewer" || a.code != http.StatusForbidden) {
				t.Errorf("%s for %s: %d", at, who, a.code)
			}
			wantPage(t, at+" for "+who, a)
			part := s.look(at, withCookie(c), header("Spool-Cells", "all,"+job.ID))
			if part.code != a.code {
				t.Errorf("%s: its cells are answered with %d, the page with %d", at, part.code, a.code)
			}
		}
		if a := s.look(at, header("Spool-Cells", "all")); !slices.Contains(public, path) && a.code != http.StatusUnauthorized {
			t.Errorf("%s: cells without a session: %d", at, a.code)
		}
	}
	for _, path := range actions {
		at := filled(path, job.ID, trigger.ID, session.ID)
		if !slices.Contains(pages, path) {
			if a := s.look(at, withCookie(admin)); a.code != http.StatusMethodNotAllowed || a.header.Get("Allow") != http.MethodPost {
				t.Errorf("GET %s: %d, allowed is %q", at, a.code, a.header.Get("Allow"))
			}
		}
		for _, foreign := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			a := s.form(at, url.Values{"key": {"k"}, "token": {s.admin}}, withCookie(admin), header(foreign[0], foreign[1]))
			if a.code != http.StatusForbidden || !strings.Contains(string(a.body), "another origin") || len(a.header.Values("Set-Cookie")) > 0 {
				t.Errorf("POST %s from another origin: %d %s", at, a.code, a.body)
			}
		}
		if slices.Contains(public, path) {
			continue
		}
		if a := s.form(at, url.Values{"key": {"k"}}); a.code != http.StatusUnauthorized {
			t.Errorf("POST %s without a session: %d", at, a.code)
		}
		if path == "/logout" || path == "/theme" || path == "/sessions/{session}/end" { // which change nothing but what is one's own
			continue
		}
		if a := s.form(at, url.Values{"key": {"k"}}, withCookie(viewer)); a.code != http.StatusForbidden {
			t.Errorf("POST %s by a viewer: %d %s", at, a.code, a.body)
		}
	}
	if after := s.stock(); after != before {
		t.Errorf("looking, and being refused, has changed\n%s\ninto\n%s", before, after)
	}
}

// What has no page, and what is no browser.
func TestPagesOfNothing(t *testing.T) {
	s := newHarness(t)
	_, c := s.signIn(s.admin)
	if a := s.send(http.MethodGet, "/", "", ""); a.code != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || !strings.Contains(string(a.body), "/api/v2/docs") {
		t.Errorf("for curl: %d %s", a.code, a.body)
	}
	missing := "00000000-0000-4000-8000-000000000000"
	for path, want := range map[string]string{"/nothing": "no such page", "/jobs/" + missing + "/files": "no such job"} {
		a := s.look(path, withCookie(c))
		if text := string(unzipped(t, a)); a.code != http.StatusNotFound || !strings.Contains(text, want) || !strings.Contains(text, `aria-label="Pages"`) {
			t.Errorf("%s: %d %s", path, a.code, text)
		}
		wantPage(t, path, a)
	}
	a := s.look("/nothing")
	if text := string(unzipped(t, a)); a.code != http.StatusNotFound || strings.Contains(text, `aria-label="Pages"`) {
		t.Errorf("without a session: %d %s", a.code, text)
	}
	if a := s.send(http.MethodGet, "/nothing", "", ""); a.code != http.StatusNotFound || a.status() != "ERROR" {
		t.Errorf("for curl: %d %s", a.code, a.body)
	}
	long := s.form("/theme", url.Values{"theme": {strings.Repeat("x", 300<<10)}}, withCookie(c))
	if long.code != http.StatusRequestEntityTooLarge {
		t.Errorf("a long form: %d", long.code)
	}
	if a := s.form("/theme", nil, withCookie(c), func(r *http.Request) { r.URL.RawQuery = "theme=%zz" }); a.code != http.StatusBadRequest {
		t.Errorf("a malformed form: %d %s", a.code, a.body)
	}
}

// Before the gateway is ready, and after it has stopped, pages say so.
func TestPagesWhileAway(t *testing.T) {
	s := newHarness(t)
	_, c := s.signIn(s.admin)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/jobs", "/sessions"} {
		a := s.look(path, withCookie(c))
		text := string(unzipped(t, a))
		if a.code != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(text, "the gateway is stopped") && !strings.Contains(text, "The gateway is stopped") || !strings.Contains(text, "What is due meanwhile is not forgotten") {
			t.Errorf("%s: %d %s", path, a.code, text)
		}
		wantPage(t, path, a)
	}
	wantCode(t, s.look("/login"), http.StatusOK)
	wantCode(t, s.form("/login", url.Values{"token": {s.admin}}), http.StatusServiceUnavailable)
}

// Files that browsers keep have names that change with them.
func TestAssets(t *testing.T) {
	s := newHarness(t)
	page := string(unzipped(t, s.look("/login")))
	urls := regexp.MustCompile(`/assets/[^"]+`).FindAllString(page, -1)
	if len(urls) != 3 {
		t.Fatalf("a page needs %v", urls)
	}
	for _, at := range urls {
		a := s.send(http.MethodGet, at, "", "")
		if a.code != http.StatusOK || a.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", at, a.code, a.header)
		}
		if plain := s.send(http.MethodGet, at, "", "", header("Accept-Encoding", "gzip;q=0")); string(plain.body) != string(unzipped(t, a)) || plain.header.Get("Content-Encoding") != "" {
			t.Errorf("%s is another without compression", at)
		}
	}
	wantCode(t, s.send(http.MethodGet, "/assets/spool-000000000000.css", "", ""), http.StatusNotFound)
	css := s.send(http.MethodGet, urls[0], "", "")
	if most := 10_000; len(css.body) > most {
		t.Errorf("the style sheet has %d bytes, above %d", len(css.body), most)
	}
	if js := s.send(http.MethodGet, urls[2], "", ""); len(js.body) > 14_000 {
		t.Errorf("the script has %d bytes, above 14,000", len(js.body))
	}
}
