package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// step is a command of the session in README, and what it printed there.
type step struct{ command, printed string }

// readmeSession reads the session: in the blocks of README a command begins with "$ ", and
// goes on where its line ends in a backslash.
func readmeSession(t *testing.T) (steps []step) {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tasks, _ := strings.Cut(string(text), "\n## Three tasks\n")
	tasks, _, _ = strings.Cut(tasks, "\n## ")
	for i, block := range strings.Split(tasks, "\n```\n") {
		if i%2 == 0 || !strings.HasPrefix(block, "$ ") {
			continue
		}
		for _, one := range strings.Split("\n"+block, "\n$ ")[1:] {
			end := 0
			for lines := one; ; {
				line, rest, more := strings.Cut(lines, "\n")
				end += len(line) + 1
				if lines = rest; !more || !strings.HasSuffix(line, `\`) {
					break
				}
			}
			steps = append(steps, step{one[:min(end, len(one))], one[min(end, len(one)):]})
		}
	}
	return steps
}

// What differs from one session to the next: ids, times, durations, sizes and what the
// table's columns are filled up with.
var varies = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`20\d\d-\d\d-\d\d`), "DAY"},
	{regexp.MustCompile(`\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) `), ""},
	{regexp.MustCompile(`\bDAY \d\d:\d\d(:\d\d)? [A-Z]+\b`), "TIME"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "CLOCK"},
	{regexp.MustCompile(`(at|last) \d\d:\d\d\b`), "$1 CLOCK"},
	{regexp.MustCompile(`\bin ([0-9]+[ydhms])+\b`), "in A WHILE"},
	{regexp.MustCompile(`\b[0-9.]+ ?m?s\b`), "LONG"},
	{regexp.MustCompile(`\b\d+ B\b`), "SIZE"},
	{regexp.MustCompile(`\((renamed in|quiet [^,]+)?(, )?(lease granted)?[^)]*\)`), "(HOW)"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

func alike(text string) string {
	for _, v := range varies {
		text = v.what.ReplaceAllString(text, v.by)
	}
	return strings.TrimSpace(text)
}

// matches compares what a command prints with what it printed; … stands for anything.
func matches(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(alike(want)), "…", ".*")
	return regexp.MustCompile(`(?s)^` + pattern + `$`).MatchString(alike(got))
}

// TestReadmeSession plays the session of README against a real server, by the command line
// alone. Only the folders are others, and the demo that reads the events is left to
// TestSubscriber.
func TestReadmeSession(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	srv := filepath.Join(t.TempDir(), "srv")
	for _, folder := range []string{"www", "backup", "office/scans", "office/archive"} {
		if err := os.MkdirAll(filepath.Join(srv, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(srv, "www/index.html"), []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	here := filepath.Dir(p.data) // has the data folder and bin/spool in it
	if err := os.MkdirAll(filepath.Join(here, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(here, "bin/spool")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(here, "scan1.pdf"), pdfOf("Invoice 17"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.serve("--drive", "admin/repo/fs/Office="+srv+"/office")
	for _, s := range readmeSession(t) {
		command := strings.ReplaceAll(s.command, "/srv/", srv+"/")
		switch {
		case strings.HasPrefix(command, "cat scans.yaml"):
			text := s.printed
			if _, err := exec.LookPath("pdftotext"); err != nil {
				t.Log("pdftotext is absent: cp is run in its place")
				text = strings.ReplaceAll(text, "pdftotext", "cp")
			}
			if err := os.WriteFile(filepath.Join(here, "scans.yaml"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		case strings.HasPrefix(command, "bin/spool "):
			out := ""
			p.eventually(fmt.Sprintf("%s prints %q", command, alike(s.printed)), func() bool {
				sh := exec.CommandContext(t.Context(), "sh", "-c", command)
				sh.Dir, sh.Env = here, append(os.Environ(), "SPOOL_DATA="+p.data, "TZ=UTC", "XDG_CONFIG_HOME="+here)
				text, _ := sh.CombinedOutput()
				if out = string(text); matches(out, s.printed) {
					return true
				}
				if strings.Contains(command, " create ") || strings.Contains(command, " put ") {
					t.Fatalf("%s\nprints   %s\nin README %s", command, alike(out), alike(s.printed))
				}
				return false
			})
		default:
			t.Logf("not played: %s", command)
		}
	}
	if got, err := filepath.Glob(filepath.Join(srv, "office/archive/20*/*/scan1.txt")); len(got) != 1 {
		t.Errorf("the text of the scan: %v, %v", got, err)
	}
}

// pdfOf makes a page with a line on it.
func pdfOf(line string) []byte {
	content := "BT /F 18 Tf 20 40 Td (" + line + ") Tj ET"
	var text strings.Builder
	text.WriteString("%PDF-1.4\n")
	for i, object := range []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Resources<</Font<</F 4 0 R>>>>/Contents 5 0 R>>",
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
		fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(content), content),
	} {
		text.WriteString(fmt.Sprintf("%d 0 obj%sendobj\n", i+1, object))
	}
	return []byte(text.String() + "trailer<</Root 1 0 R>>\n%%EOF\n")
}
