package services_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// make check goes on without the database of vulnerabilities, and says so; with
// one, what govulncheck finds fails it.
func TestVulncheck(t *testing.T) {
	program := filepath.Join(t.TempDir(), "vulncheck")
	build := exec.Command("go", "-C", filepath.Join(root, "deploy/tools"), "build", "-o", program, "./vulncheck")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	db := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/index/db.json" {
			http.NotFound(w, r)
		}
	}))
	defer db.Close()
	for name, c := range map[string]struct {
		db   string
		code int // of govulncheck
		says string
		fail bool
	}{
		"nobody there":    {"http://127.0.0.1:1", 0, "govulncheck: NOT RUN, http://127.0.0.1:1 cannot be reached", false},
		"another server":  {db.URL + "/other", 0, "NOT RUN", false},
		"nothing found":   {db.URL, 0, "asked services", false},
		"something found": {db.URL, 3, "asked services", true},
	} {
		stub := filepath.Join(t.TempDir(), "govulncheck")
		script := "#!/bin/sh\necho asked $2\nexit " + string(rune('0'+c.code)) + "\n"
		if err := os.WriteFile(stub, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, "-db", c.db, stub, "services").CombinedOutput()
		if (err != nil) != c.fail || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
	}
}
