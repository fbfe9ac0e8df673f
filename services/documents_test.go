package services_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// documents gives every document that people read, as its path in the repository.
func documents(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range append(slices.Clone(modules), "deploy") {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "README.md" {
				docs = append(docs, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(docs) < 12 {
		t.Fatalf("only %d documents found: %q", len(docs), docs)
	}
	for i := range docs {
		docs[i] = filepath.ToSlash(strings.TrimPrefix(docs[i], root+string(filepath.Separator)))
	}
	return docs
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentsNameWhatExists: a path in a document is there. CHANGELOG.md speaks of what was.
func TestDocumentsNameWhatExists(t *testing.T) {
	path := regexp.MustCompile("`((?:events|gateway|cron|watcher|services|deploy|\\.ci)/[A-Za-z0-9_./-]*)`")
	named := 0
	for _, doc := range documents(t) {
		if doc == "CHANGELOG.md" {
			continue
		}
		for _, m := range path.FindAllStringSubmatch(readDocument(t, doc), -1) {
			named++
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s: %v", doc, m[1], err)
			}
		}
	}
	if named < 50 {
		t.Errorf("the documents name only %d paths: the test looks for the wrong thing", named)
	}
}

// TestDocumentsNameTests: a test that a document gives as proof is there; with an
// ellipsis behind it, one whose name begins so.
func TestDocumentsNameTests(t *testing.T) {
	tests := map[string]bool{}
	goFiles(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			for n := range m[1] {
				tests[m[1][:n+1]+"…"] = true
			}
			tests[m[1]] = true
		}
	})
	named := 0
	for _, doc := range documents(t) {
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w*…?`).FindAllString(readDocument(t, doc), -1) {
			named++
			if !tests[name] {
				t.Errorf("%s names %s, and there is no such test", doc, name)
			}
		}
	}
	if named < 20 {
		t.Errorf("the documents name only %d tests: this one looks for the wrong thing", named)
	}
}

// TestPathsNameFunctions: the paths in ARCHITECTURE.md are lists of functions, each in the
// folder that its row names.
func TestPathsNameFunctions(t *testing.T) {
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func (?:\((?:\w+ )?\*?(\w+)(?:\[\w+\])?\) )?(\w+)`)
	goFiles(t, func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), root+string(filepath.Separator)))
		for _, m := range declaration.FindAllStringSubmatch(string(text), -1) {
			declared[dir+" "+strings.TrimPrefix(m[1]+"."+m[2], ".")] = true
		}
	})
	_, section, found := strings.Cut(readDocument(t, "ARCHITECTURE.md"), "\n## Three paths\n")
	section, _, ends := strings.Cut(section, "\n## ")
	if !found || !ends {
		t.Fatal("ARCHITECTURE.md has no section Three paths")
	}
	var lists strings.Builder // a list begins with a dash, and its other lines are indented
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "  ") {
			lists.WriteString(line)
		}
	}
	named, dir := 0, ""
	for _, word := range regexp.MustCompile("\\*[^*]+\\*|`[a-z0-9/]+`|[A-Za-z]+(?:\\.[A-Za-z]+)?").FindAllString(lists.String(), -1) {
		switch word[0] {
		case '*': // of a hop
		case '`':
			dir = strings.Trim(word, "`")
		default:
			named++
			if !declared[dir+" "+word] {
				t.Errorf("%s has no function %s: follow the path again", dir, word)
			}
		}
	}
	if named < 60 {
		t.Errorf("the paths name only %d functions", named)
	}
}

// TestDocumentsAreReadable: no line of prose is wider than 120 columns (tables and code
// may be), and ARCHITECTURE.md stays short enough to be read whole.
func TestDocumentsAreReadable(t *testing.T) {
	for _, doc := range documents(t) {
		if doc == "CHANGELOG.md" { // an entry a line, so that two who add one do not meet
			continue
		}
		code := false
		for n, line := range strings.Split(readDocument(t, doc), "\n") {
			if strings.HasPrefix(line, "```") {
				code = !code
			}
			if wide := utf8.RuneCountInString(line); wide > 120 && !code && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d has %d columns: %s", doc, n+1, wide, line)
			}
		}
	}
	if n := strings.Count(readDocument(t, "ARCHITECTURE.md"), "\n"); n > 250 {
		t.Errorf("ARCHITECTURE.md has %d lines: move what is about one folder to its README.md", n)
	}
}

// TestFiguresNameTheirSource: each row written by hand in deploy/bench/FIGURES.md has a
// machine, a date and a command that there is.
func TestFiguresNameTheirSource(t *testing.T) {
	makefile := readDocument(t, "Makefile")
	rows := 0
	_, byHand, found := strings.Cut(readDocument(t, "deploy/bench/FIGURES.md"), "\n## Measured one by one\n")
	if !found {
		t.Fatal("deploy/bench/FIGURES.md has no section Measured one by one")
	}
	for line := range strings.Lines(byHand) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| What |") {
			continue
		}
		rows++
		if len(cells) != 5 || slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) == "" }) {
			t.Errorf("not what, figures, machine, date and command: %s", line)
			continue
		}
		if !regexp.MustCompile(`^20\d\d-\d\d-\d\d$`).MatchString(strings.TrimSpace(cells[3])) {
			t.Errorf("%q is no date: %s", cells[3], line)
		}
		command := strings.Trim(strings.TrimSpace(cells[4]), "`")
		target, isMake := strings.CutPrefix(command, "make ")
		if isMake && !strings.Contains(makefile, "\n"+target+":") {
			t.Errorf("the Makefile has no %s: %s", target, line)
		}
	}
	if rows < 20 {
		t.Errorf("only %d figures", rows)
	}
}
