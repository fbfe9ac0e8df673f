package gateway_test

import (
	"bytes"
	"flag"
	"html/template"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs.html anew, out of openapi.yaml")

// The page that is served is what the specification makes it.
func TestDocsAreUpToDate(t *testing.T) {
	doc, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	page, err := template.ParseFiles("testdata/docs.html.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := page.Execute(&want, describe(doc)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("docs.html", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("docs.html")
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs.html is not what openapi.yaml says: go test ./gateway -run Docs -update (%v)", err)
	}
	// No network, no script, and no link that leads nowhere.
	for _, no := range []string{"http://", "https://", "<script", "javascript:", "@import", "url("} {
		if bytes.Contains(bytes.ReplaceAll(got, []byte("https://example.com"), nil), []byte(no)) {
			t.Errorf("docs.html contains %q", no)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`id="([^"]+)"`).FindAllSubmatch(got, -1) {
		if ids[string(m[1])] {
			t.Errorf("two places are called %s", m[1])
		}
		ids[string(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllSubmatch(got, -1) {
		if !ids[string(m[1])] {
			t.Errorf("a link leads to %s, which is not there", m[1])
		}
	}
}

func TestDocumentsNeedNoToken(t *testing.T) {
	s := newHarness(t)
	for path, want := range map[string]struct{ kind, text string }{
		"/api/v2/openapi.yaml": {"application/yaml", "openapi: 3.1.0"},
		"/api/v2/docs":         {"text/html; charset=utf-8", "<!doctype html>"},
		"/api/v2//docs/":       {"text/html; charset=utf-8", "<!doctype html>"},
	} {
		a := s.send(http.MethodGet, path, "", "")
		if a.code != http.StatusOK || a.header.Get("Content-Type") != want.kind || !strings.HasPrefix(string(a.body), want.text) {
			t.Errorf("%s: answer %d %v %.100s", path, a.code, a.header, a.body)
		}
		wantCode(t, s.send(http.MethodGet, path, "", "", header("If-None-Match", a.header.Get("Etag"))), http.StatusNotModified)
		wantCode(t, s.send(http.MethodHead, path, "", ""), http.StatusOK)
		wantProblem(t, s.send(http.MethodPost, path, "", ""), http.StatusMethodNotAllowed, "use GET, HEAD")
	}
	wantProblem(t, s.send(http.MethodGet, "/api/v2/docs/x", "", ""), http.StatusUnauthorized, "Bearer")
}
