package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// The demo at a terminal prints a link that lets one browser in, once; elsewhere it names
// the file of the token.
func TestDemoLink(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	x := atTerminal(t, t.TempDir(), nil, binary, "demo", "--data", p.data, "--listen", p.api)
	x.shows("Stop with Ctrl-C.", 0)
	link := regexp.MustCompile(`Open http://` + regexp.QuoteMeta(p.api) + `/login#([\w-]{43})\s`).FindStringSubmatch(x.screen.String())
	if link == nil {
		t.Fatalf("no link on the screen: %s", x.screen)
	}
	for try, want := range []int{http.StatusSeeOther, http.StatusUnprocessableEntity} {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.PostForm("http://"+p.api+"/login", url.Values{"code": {link[1]}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if cookies := resp.Cookies(); resp.StatusCode != want || (len(cookies) == 1) != (want == http.StatusSeeOther) {
			t.Errorf("try %d: %s with %d cookies", try+1, resp.Status, len(cookies))
		}
	}
	x.types("\x03")
	if code := x.ends(); code != 0 {
		t.Errorf("the demo ends with %d", code)
	}
	if strings.Contains(x.screen.String(), "spool_") {
		t.Error("a token is on the screen")
	}
}
