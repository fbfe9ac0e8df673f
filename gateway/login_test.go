package gateway_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/gateway"
)

// unzipped gives the body of an answer, unpacked where it is packed.
func unzipped(t *testing.T, a answer) []byte {
	t.Helper()
	if a.header.Get("Content-Encoding") != "gzip" {
		return a.body
	}
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// logIn sends the form of /login and gives the cookie of the session.
func (s *harness) logIn(values url.Values, edit ...func(*http.Request)) (answer, *http.Cookie) {
	s.t.Helper()
	a := s.form("/login", values, edit...)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasPrefix(strings.TrimPrefix(c.Name, "__Host-"), "spool-session-") && c.Value != "" {
			return a, c
		}
	}
	return a, nil
}

func TestLogin(t *testing.T) {
	s := newHarness(t)
	a, c := s.logIn(url.Values{"token": {" " + s.admin + "\n"}, "next": {"/sessions?username=%2A"}})
	if a.code != http.StatusSeeOther || a.header.Get("Location") != "/sessions?username=%2A" || c == nil {
		t.Fatalf("logged in: %d to %q, %v", a.code, a.header.Get("Location"), a.header)
	}
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || c.Name != "spool-session-"+port(s) {
		t.Errorf("the cookie is %v", c)
	}
	page := s.look("/sessions", withCookie(c))
	if text := string(unzipped(t, page)); page.code != http.StatusOK || !strings.Contains(text, "this browser") || strings.Contains(text, c.Value) || strings.Contains(text, s.admin) {
		t.Errorf("the sessions: %d %s", page.code, text)
	}

	// A session begins anew: one that somebody planted in the browser before is no part of it, and ends.
	_, second := s.logIn(url.Values{"token": {s.admin}}, withCookie(c))
	if second == nil || second.Value == c.Value {
		t.Fatal("the session that was there goes on")
	}
	wantCode(t, s.look("/sessions", withCookie(c)), http.StatusSeeOther)

	// A wrong token is said where it was typed, and not repeated.
	for _, text := range []string{"spool_wrong_token", "", c.Value, `"><script>`} {
		a, none := s.logIn(url.Values{"token": {text}, "next": {"/sessions"}})
		body := string(a.body)
		if a.code != http.StatusUnprocessableEntity || none != nil || !strings.Contains(body, `data-summary`) || !strings.Contains(body, `value="/sessions"`) || text != "" && strings.Contains(body, text) {
			t.Errorf("%q: %d %s", text, a.code, body)
		}
	}

	// Our module stays where it is.
	a, c = s.logIn(url.Values{"token": {s.admin}, "next": {"/sessions"}}, header("Spool-Note", "1"))
	if a.code != http.StatusNoContent || a.header.Get("Spool-Next") != "/sessions" || c == nil {
		t.Errorf("in a dialog: %d %v", a.code, a.header)
	}
	out := s.form("/logout", nil, withCookie(c))
	if set := (&http.Response{Header: out.header}).Cookies(); out.code != http.StatusSeeOther || out.header.Get("Location") != "/login" || len(set) != 1 || set[0].MaxAge >= 0 {
		t.Errorf("logged out: %d %v", out.code, out.header)
	}
	wantCode(t, s.look("/sessions", withCookie(c)), http.StatusSeeOther)
	if strings.Contains(s.log.String(), s.admin) || strings.Contains(s.log.String(), c.Value) {
		t.Error("the log has a secret")
	}
}

// Nobody is led to another server, to a call of the API, or round in circles.
func TestNext(t *testing.T) {
	s := newHarness(t)
	for next, want := range map[string]string{
		"/sessions": "/sessions", "/": "/", "/live?type=run": "/live?type=run", "/runs/manual:1:2#L120": "/runs/manual:1:2#L120", "/sessions#evil=1": "/sessions", "/sessions#output": "/sessions#output",
		"": "/", "//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "https://evil.example": "/", "javascript:alert(1)": "/",
		"/\t/evil.example": "/", "\t//evil.example": "/", "/\n/evil.example": "/", "/%2f/evil.example": "/", "/%5cevil.example": "/", "/.//evil.example": "/", "/..//evil.example": "/",
		"/sessions/../..//evil.example": "/", "/sessions\r\nSet-Cookie: a=b": "/", "/sessions?a=%0d%0aSet-Cookie:b": "/sessions?a=%0D%0ASet-Cookie%3Ab", "//evil.example/sessions": "/",
		"/login": "/", "/login?next=/login": "/", "/logout": "/", "/api/v2/me": "/", "/api/v2/docs": "/", "/nothing": "/", "@evil.example": "/", "/@evil.example": "/", "evil.example": "/",
		"http:/sessions": "/", "/sessions\x00": "/", "/\u2028/evil.example": "/", "/sessions\x7f": "/", "?x": "/", "/sessions/": "/",
	} {
		a, c := s.logIn(url.Values{"token": {s.admin}, "next": {next}})
		if got := a.header.Get("Location"); c == nil || got != want {
			t.Errorf("next=%q leads to %q, want %q (%d)", next, got, want, a.code)
		} else if at := s.form("/logout", nil, withCookie(c)); at.code != http.StatusSeeOther {
			t.Fatal("not logged out")
		}
		form := string(unzipped(t, s.look("/login?next="+url.QueryEscape(next))))
		if strings.Contains(form, "evil") {
			t.Errorf("next=%q is written into the form: %s", next, form)
		}
	}
}

// A code stands for a token once, whoever guesses.
func TestLoginByCode(t *testing.T) {
	var token string
	left := 1
	s := newHarness(t, withConfig(func(c *gateway.Config) {
		c.Codes = func(_ *http.Request, code string) (string, error) {
			if code != "right" || left == 0 {
				return "", events.Faultf(events.Unauthorized, "token", "this link was used before")
			}
			left--
			return token, nil
		}
	}))
	token = s.admin
	if a, c := s.logIn(url.Values{"code": {"wrong"}, "token": {""}}); a.code != http.StatusUnprocessableEntity || c != nil || !strings.Contains(string(a.body), "This link was used before.") {
		t.Errorf("a wrong code: %d %s", a.code, a.body)
	}
	if a, c := s.logIn(url.Values{"code": {"right"}}, header("Origin", "https://evil.example")); a.code != http.StatusForbidden || c != nil || left != 1 {
		t.Errorf("the code, by another origin: %d", a.code)
	}
	if a, c := s.logIn(url.Values{"code": {"right"}}); a.code != http.StatusSeeOther || c == nil {
		t.Errorf("the code: %d %s", a.code, a.body)
	}
	if a, c := s.logIn(url.Values{"code": {"right"}}); a.code != http.StatusUnprocessableEntity || c != nil {
		t.Errorf("the code again: %d", a.code)
	}
	plain := newHarness(t)
	if a, c := plain.logIn(url.Values{"code": {"right"}}); a.code != http.StatusUnprocessableEntity || c != nil {
		t.Errorf("a code where there are none: %d", a.code)
	}
}

// Who asks for a page again and again without a session waits; so does who guesses tokens.
func TestLoginIsLimited(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.Rate, c.Burst = 1, 5 }))
	for path, ask := range map[string]func() answer{
		"POST /login": func() answer { return s.form("/login", url.Values{"token": {"spool_a_b"}}) },
		"GET /":       func() answer { return s.look("/") },
	} {
		refused := false
		for range 20 {
			a := ask()
			refused = refused || a.code == http.StatusTooManyRequests && a.header.Get("Retry-After") != ""
		}
		if !refused {
			t.Errorf("%s: 20 times in a row", path)
		}
	}
}

// A cookie counts on pages under its own name alone, and the colours are kept by name.
func TestPageCookies(t *testing.T) {
	s := newHarness(t)
	_, c := s.signIn(s.admin)
	other := *c
	other.Name = "spool-session-1"
	wantCode(t, s.look("/", withCookie(&other)), http.StatusSeeOther)
	wantCode(t, s.look("/", header("Cookie", c.Name+"=x; "+c.Name+"="+c.Value)), http.StatusSeeOther)
	wantCode(t, s.look("/?token=x", withCookie(c)), http.StatusSeeOther)
	a := s.form("/theme", url.Values{"theme": {"dark"}, "next": {"/sessions"}}, withCookie(c))
	set := (&http.Response{Header: a.header}).Cookies()
	if a.code != http.StatusSeeOther || a.header.Get("Location") != "/sessions" || len(set) != 1 || set[0].Value != "dark" {
		t.Fatalf("dark: %d %v", a.code, a.header)
	}
	for value, want := range map[string]string{"dark": ` data-theme="dark"`, "light": ` data-theme="light"`, `"><script>`: `<html lang="en">`, "": `<html lang="en">`} {
		page := string(unzipped(t, s.look("/sessions", header("Cookie", c.Name+"="+c.Value+"; "+set[0].Name+"="+value))))
		if !strings.Contains(page, want) || strings.Contains(page, "<script>") {
			t.Errorf("theme %q: %.200s", value, page)
		}
	}
}
