package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The printed licences are those of the modules and versions that are linked, on every system.
func TestLicensesAreOfThisProgram(t *testing.T) {
	t.Parallel()
	linked := map[string]bool{}
	for _, system := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"} {
		goos, arch, _ := strings.Cut(system, "/")
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "spool.internal/services/...")
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0")
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimSpace(line); line != "" {
				linked[line] = true
			}
		}
	}
	if len(linked) < 20 {
		t.Fatalf("only %d modules are linked: the test looks in the wrong place", len(linked))
	}
	out, code := spool(t, "licenses")
	if code != 0 {
		t.Fatalf("status %d", code)
	}
	if want, err := os.ReadFile("licenses.txt"); err != nil || out != string(want) {
		t.Errorf("what is printed is not licenses.txt: run make licenses (%v)", err)
	}
	rule := strings.Repeat("=", 100) + "\n"
	var named []string
	for i, section := range strings.Split(out, rule) {
		switch {
		case i%2 == 1:
			named = append(named, strings.Split(strings.TrimSpace(section), "\n")...)
		case i > 0 && len(strings.TrimSpace(section)) < 200:
			t.Errorf("%s: a licence of %q", named[len(named)-1], section)
		}
	}
	modules := regexp.MustCompile(`^\S+\.\S+ v\S+$`)
	for _, m := range named {
		if modules.MatchString(m) && !linked[m] {
			t.Errorf("%s is not linked: run make licenses", m)
		}
	}
	for m := range linked {
		if !slices.Contains(named, m) {
			t.Errorf("%s is linked and not named: run make licenses", m)
		}
	}
	for _, own := range []string{"Spool", "The standard library of Go"} {
		if !slices.Contains(named, own) {
			t.Errorf("%s is not named", own)
		}
	}
}
