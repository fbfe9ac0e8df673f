package gateway_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"html/template"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"spool.internal/events/packed"
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
		packText(t, "docs.html")
		packText(t, "openapi.yaml")
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

// packText writes what is embedded of a file.
func packText(t *testing.T, name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), os.WriteFile(name+".gz", out.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// What is served is the specification and the page, to who takes gzip and to who does not.
func TestDocumentsAreServedWhole(t *testing.T) {
	s := newHarness(t)
	for path, file := range map[string]string{"/api/v2/openapi.yaml": "openapi.yaml", "/api/v2/docs": "docs.html"} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := s.send(http.MethodGet, path, "", "", header("Accept-Encoding", "identity"))
		zipped := s.send(http.MethodGet, path, "", "", header("Accept-Encoding", "gzip"))
		if !bytes.Equal(plain.body, want) || plain.header.Get("Content-Encoding") != "" {
			t.Errorf("%s is not %s: go test ./gateway -run Docs -update", path, file)
		}
		if zipped.header.Get("Content-Encoding") != "gzip" || !bytes.Equal(packed.Text(zipped.body), want) || zipped.header.Get("ETag") == plain.header.Get("ETag") {
			t.Errorf("%s compressed: %v, %d bytes", path, zipped.header, len(zipped.body))
		}
		wantCode(t, s.send(http.MethodGet, path, "", "", header("Accept-Encoding", "gzip"), header("If-None-Match", zipped.header.Get("Etag"))), http.StatusNotModified)
	}
}

func TestDocumentsNeedNoToken(t *testing.T) {
	s := newHarness(t)
	for path, want := range map[string]struct{ kind, text string }{
		"/api/v2/openapi.yaml": {"application/yaml", "openapi: 3.1.0"},
		"/api/v2/docs":         {"text/html; charset=utf-8", "<!doctype html>"},
		"/api/v2//docs/":       {"text/html; charset=utf-8", "<!doctype html>"},
	} {
		a := s.send(http.MethodGet, path, "", "", header("Accept-Encoding", "identity"))
		if a.code != http.StatusOK || a.header.Get("Content-Type") != want.kind || !strings.HasPrefix(string(a.body), want.text) {
			t.Errorf("%s: answer %d %v %.100s", path, a.code, a.header, a.body)
		}
		wantCode(t, s.send(http.MethodGet, path, "", "", header("Accept-Encoding", "identity"), header("If-None-Match", a.header.Get("Etag"))), http.StatusNotModified)
		wantCode(t, s.send(http.MethodHead, path, "", ""), http.StatusOK)
		wantProblem(t, s.send(http.MethodPost, path, "", ""), http.StatusMethodNotAllowed, "use GET, HEAD")
	}
	wantProblem(t, s.send(http.MethodGet, "/api/v2/docs/x", "", ""), http.StatusUnauthorized, "Bearer")
}
