package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// typeToken fills the form of the login and sends it.
func (p *tab) typeToken(token string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#f-token"), token))
	p.click("form[data-login] .primary")
}

// S1: given a valid token, when I log in, then I land on next and the cookie is HttpOnly,
// SameSite=Lax, and no token is in URL, HTML or storage.
func TestS1Login(t *testing.T) {
	w := newWorld(t)
	p := w.strangerTab(t)
	p.open("/sessions?username=*")
	if got := p.path(); !strings.HasPrefix(got, "/login?next=") {
		t.Fatalf("without a session the page is %s", got)
	}
	p.typeToken(w.Token)
	p.until("the page that was asked for", `location.pathname + location.search === "/sessions?username=%2A"`)
	cookies := call(p, network.GetCookies, network.GetCookiesParams{URLs: []string{w.URL}}).Cookies
	if len(cookies) != 1 {
		t.Fatalf("there are %d cookies", len(cookies))
	}
	c := cookies[0]
	if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || !strings.HasPrefix(c.Name, "spool-session-") {
		t.Errorf("the cookie is %+v", c)
	}
	seen := eval[string](p, `location.href + document.documentElement.outerHTML + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie + JSON.stringify(history.state)`)
	for what, secret := range map[string]string{"the token": w.Token, "the token of the session": c.Value} {
		if strings.Contains(seen, secret) {
			t.Errorf("%s is in the page", what)
		}
	}
	if back := eval[string](p, `fetch("/login?next=/").then(r => r.text())`); strings.Contains(back, w.Token) {
		t.Error("the form has the token")
	}
}

// S2: given next=//evil.example, when I log in, then I land on /.
func TestS2Next(t *testing.T) {
	w := newWorld(t)
	for _, next := range []string{"//evil.example", `/\evil.example`, "https://evil.example/", "/\t/evil.example"} {
		p := w.strangerTab(t)
		p.open("/login?next=" + strings.NewReplacer(":", "%3A", "\t", "%09", `\`, "%5C").Replace(next))
		p.typeToken(w.Token)
		p.until("the overview after "+next, fmt.Sprintf(`location.href === %q`, w.URL+"/"))
	}
}

// A link of the demo whose code is not good any more leaves nothing in the address, and says so.
func TestLoginLink(t *testing.T) {
	w := newWorld(t)
	p := w.strangerTab(t)
	p.expect("422")
	code := strings.Repeat("c0de-", 8) + "end"
	p.open("/login#" + code)
	p.until("the code was sent", `document.querySelector("[data-summary]")`)
	if got := eval[string](p, "location.href"); strings.Contains(got, "c0de") {
		t.Errorf("the address is %s", got)
	}
	if got := p.text("[data-summary]"); !strings.Contains(got, "used before, or is older than 10 minutes") {
		t.Errorf("it says %q", got)
	}
	p.typeToken(w.Token)
	p.until("the overview", `location.pathname === "/"`)
}

// S8: given a foreign site posting a form to /jobs/{id}/run, when I am logged in, then 403
// and no run.
func TestS8ForeignForm(t *testing.T) {
	w := newWorld(t)
	id := w.job(t, "never by others", "0 0 1 1 *", "true", nil)
	p := w.page(t)
	p.expect("403")
	foreign := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(rw, `<form method="post" action="%s/jobs/%s/run"><input name="key" value="k"><button>Win</button></form>`, w.URL, id)
	}))
	defer foreign.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(foreign.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for what, at := range map[string]string{"another port of this host": foreign.URL, "another host": "http://localhost:" + port} {
		p.do(chromedp.Navigate(at))
		p.click("button")
		p.until("403 to "+what, fmt.Sprintf(`location.href.startsWith(%q) && /403[^]*another origin/.test(document.querySelector("main")?.innerText)`, w.URL))
	}
	if got := w.api(t, http.MethodGet, "/api/v2/jobs/"+id+"/results", nil)["results"].([]any); len(got) > 0 {
		t.Errorf("it ran: %v", got)
	}
	p.open("/") // the session is as it was
	if got := p.path(); got != "/" {
		t.Errorf("after that the page is %s", got)
	}
}

// actions gives the addresses that the forms of the pages post to.
func (f *furnished) actions(p *tab) map[string]bool {
	all := map[string]bool{}
	for _, path := range f.pages() {
		p.open(path)
		for _, at := range eval[[]string](p, `[...document.querySelectorAll("form[method=post]")].flatMap(f => [f.getAttribute("action"), ...[...f.querySelectorAll("[formaction]")].map(b => b.getAttribute("formaction"))]).map(a => new URL(a ?? "", location.href).pathname)`) {
			all[at] = true
		}
	}
	return all
}

// S9: given GET on every action's URL, then 405 and nothing changed.
func TestS9Get(t *testing.T) {
	f := furnish(t)
	p := f.page(t)
	p.expect("40")
	actions := f.actions(p)
	if len(actions) < 5 {
		t.Fatalf("the actions are %v", actions)
	}
	jobs := f.api(t, http.MethodGet, "/api/v2/jobs", nil)["jobs"].([]any)
	p.open("/")
	for at := range actions {
		status := eval[int](p, fmt.Sprintf(`fetch(%q, {headers: {Accept: "text/html"}, redirect: "manual"}).then(r => r.status)`, at))
		if page := at == "/login" || strings.HasSuffix(at, "/edit") || at == "/jobs/new" || at == "/jobs/bulk" || at == "/dead/bulk" || at == "/tokens" || at == "/subscribers"; status != http.StatusMethodNotAllowed && !page {
			t.Errorf("GET %s: %d", at, status)
		}
	}
	p.open("/sessions") // nobody was logged out
	if got := p.path(); got != "/sessions" {
		t.Errorf("after that the page is %s", got)
	}
	if after := f.api(t, http.MethodGet, "/api/v2/jobs", nil)["jobs"].([]any); len(after) != len(jobs) {
		t.Errorf("there are %d jobs, and were %d", len(after), len(jobs))
	}
}

// S41: given a viewer, then no control that would be refused is shown, and POST by hand
// gives 403.
func TestS41Viewer(t *testing.T) {
	f := furnish(t)
	p := f.pageAs(t, f.newToken(t, "admin", "viewer"))
	p.expect("40")
	own := map[string]bool{"/logout": true, "/theme": true}
	for _, path := range f.pages() {
		p.open(path)
		for _, at := range eval[[]string](p, `[...document.querySelectorAll("form[method=post]")].map(f => new URL(f.getAttribute("action") ?? "", location.href).pathname)`) {
			if !own[at] && !strings.HasPrefix(at, "/sessions/") {
				t.Errorf("%s shows a viewer a form for %s", path, at)
			}
		}
	}
	p.open("/")
	for _, at := range []string{"/jobs/" + f.clock + "/run", "/jobs/" + f.clock + "/disable", "/runs/" + f.bad + "/ack", "/runs/" + f.bad + "/rerun"} {
		if status := eval[int](p, fmt.Sprintf(`fetch(%q, {method: "POST", body: new URLSearchParams({key: "k"})}).then(r => r.status)`, at)); status != http.StatusForbidden {
			t.Errorf("POST %s: %d", at, status)
		}
	}
}
