package services_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules of the house that a compiler does not check. root is the repository.
const root = ".."

var modules = []string{"events", "gateway", "cron", "watcher", "services"}

// goFiles calls f with every Go file of the five modules.
func goFiles(t *testing.T, f func(path string)) {
	t.Helper()
	for _, m := range modules {
		err := filepath.WalkDir(filepath.Join(root, m), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") {
				f(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestImportsPointDown(t *testing.T) {
	may := map[string][]string{
		"events": {"events"}, "gateway": {"events", "gateway"}, "cron": {"events", "cron"},
		"watcher": {"events", "watcher"}, "services": modules,
	}
	rooms := map[string][]string{"settle": nil, "notify": nil, "stage": {"settle"}, "janitor": {"stage"}}
	seen := 0
	goFiles(t, func(path string) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(root, path)
		parts := strings.Split(filepath.ToSlash(rel), "/")
		for _, imp := range file.Imports {
			target, ours := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), "spool.internal/")
			if !ours {
				continue
			}
			seen++
			to := strings.Split(target, "/")
			if !slices.Contains(may[parts[0]], to[0]) {
				t.Errorf("%s imports %s: %s may import only %v", rel, target, parts[0], may[parts[0]])
			}
			// Inside the watcher, a room imports neither the watcher nor a room above it.
			if parts[0] == "watcher" && to[0] == "watcher" && len(parts) > 2 && (len(to) == 1 || to[1] != parts[1] && !slices.Contains(rooms[parts[1]], to[1])) {
				t.Errorf("%s imports %s: watcher/%s may import only %v", rel, target, parts[1], rooms[parts[1]])
			}
			// Inside services, a service does not import its sibling either. The importers are
			// none: they are pure, and the command line's.
			if parts[0] == "services" && to[0] == "services" && parts[1] != "cmd" && to[1] != parts[1] && to[1] != "daemon" && (parts[1] != "cli" || to[1] != "importer") {
				t.Errorf("%s imports %s: services meet on subjects", rel, target)
			}
			// Of the gateway, they may import what all HTTP APIs are spelled with.
			if parts[0] == "services" && to[0] == "gateway" && parts[1] != "cmd" && target != "gateway/wire" && (parts[1] != "cli" || target != "gateway/client") {
				t.Errorf("%s imports %s: services meet on subjects, and share gateway/wire alone; the command line calls by gateway/client", rel, target)
			}
			if strings.HasPrefix(rel, "gateway/wire/") && to[0] == "gateway" && target != "gateway/wire" { // its examples import it
				t.Errorf("%s imports %s: gateway/wire stands alone, so that every service may import it", rel, target)
			}
		}
	})
	if seen < 50 {
		t.Errorf("only %d imports of ours seen: the test looks in the wrong place", seen)
	}
}

// generated says whether a file is made by a tool, as gateway/client/client.gen.go is. Rules
// about what a reader can hold in mind leave it out: nobody reads it, what it is made of is
// read, and oapi-codegen writes one file, with a function as long as a request has parameters.
func generated(path string) bool { return strings.HasSuffix(path, ".gen.go") }

func TestOnePackageComment(t *testing.T) {
	comments := map[string]int{}
	goFiles(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") || generated(path) {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		comments[filepath.Dir(path)] += 0
		if file.Doc != nil {
			comments[filepath.Dir(path)]++
		}
	})
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("%s has %d package comments, want one", dir, n)
		}
	}
}

// TestOneWriterOfFiles keeps all but atomicfile from writing files of Spool's own.
func TestOneWriterOfFiles(t *testing.T) {
	writes := regexp.MustCompile(`os\.(WriteFile|Create|CreateTemp|Rename)\(|os\.O_CREATE|\.WriteFile\(|\.Rename\(`)
	may := map[string]string{
		"events/atomicfile/atomicfile.go":        "it is the one",
		"events/atomicfile/stream.go":            "it is the one for what does not fit into memory",
		"events/drive/between_other.go":          "moves people's files",
		"events/drive/transfer.go":               "people's files",
		"events/eventstest/reflink.go":           "for tests",
		"events/eventstest/smalldisk_linux.go":   "for tests",
		"services/broker/ballast.go":             "takes room and holds nothing",
		"gateway/v2/files/put.go":                "people's files, as long as they like",
		"services/broker/store/accept.go":        "puts the folder of a damaged copy aside",
		"services/broker/store/settings.go":      "renames what is damaged",
		"services/broker/broker.go":              "the lock, which holds nothing",
		"services/broker/trial.go":               "holds nothing, for a moment",
		"services/cli/save.go":                   "people's files, as long as they like",
		"services/cli/subscriber.go":             "holds a name for a file that atomicfile then writes",
		"services/runner/cell/shell_linux.go":    "/proc",
		"services/runner/command.go":             "in memory, for one run",
		"services/runner/cgroup/cgroup_linux.go": "/sys",
		"services/runner/record/folder.go":       "grows a line at a time",
		"services/runner/reach.go":               "written in place, since it is mounted; for one run",
		"services/runner/record/log.go":          "grows with what a flow prints",
		"watcher/notify/cookies.go":              "holds nothing",
		"watcher/relocate.go":                    "people's files",
		"watcher/stage/batch.go":                 "copies of people's files",
		"watcher/stage/copy.go":                  "copies of people's files",
		"watcher/stage/create_linux.go":          "copies of people's files",
		"watcher/stage/create_other.go":          "copies of people's files",
		"services/runner/restage.go":             "copies of people's files",
	}
	goFiles(t, func(path string) {
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if strings.HasSuffix(rel, "_test.go") || may[rel] != "" {
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if writes.MatchString(line) {
				t.Errorf("%s:%d writes a file by itself: use events/atomicfile, or say here why not\n%s", rel, n+1, line)
			}
		}
	})
}

// TestSubjectLines: each service says in its package comment what it reads and writes.
// What it says is compared with what it does when its own tests run: see eventstest.Main.
func TestSubjectLines(t *testing.T) {
	for _, dir := range []string{"gateway", "cron", "watcher", "services/dispatcher", "services/runner", "services/notify"} {
		doc, err := os.ReadFile(filepath.Join(root, dir, "doc.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^// In:  spool\..*\n// Out: spool\.`).Match(doc) {
			t.Errorf("%s/doc.go does not begin with In: and Out:", dir)
		}
		judged := false
		tests, _ := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		for _, path := range tests {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			judged = judged || strings.Contains(string(text), "eventstest.Main(")
		}
		if !judged {
			t.Errorf("%s has no TestMain that calls eventstest.Main: nobody compares its lines with what it does", dir)
		}
	}
}

// spellSubjects are the files outside events/jet that spell names on the wire, and why.
var spellSubjects = map[string]string{
	"gateway/client/client.gen.go": "the API names streams, to those who make subscribers",
	"services/broker/wire_test.go": "the stranger, who tries all of them",
}

// TestSubjectsAreSpelledOnce: subjects and streams are spelled in events/jet and nowhere
// else. What people write and read is no part of it: the texts of commands, and what the
// tests of an API send and expect.
func TestSubjectsAreSpelledOnce(t *testing.T) {
	// spool.run.cwd and its like are settings of a job.
	subject := regexp.MustCompile(`^spool\.(job|trigger|verdict|clock|backlog|called|done|paused|pausedrun|file|seen|again|held|runqueue|runkey|result|run\.(accepted|started|retrying|cancelling|ended|undelivered|\*|>)|dead|slot|state|subscriber|drive|bulk|bulkitems|jobkey|notification|probe|api)(\.[\w*>.-]*)?$`)
	streams := []string{
		"JOBS", "TRIGGERS", "FILES", "RUNS", "RESULTS", "RUN_EVENTS", "DEADLETTERS", "SLOTS", "STATE", "SUBSCRIBERS", "DRIVES", "BULKS", "NOTIFICATIONS", "KV_TOKENS",
	}
	found := 0
	goFiles(t, func(path string) {
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil || !subject.MatchString(text) && !slices.Contains(streams, text) {
				return true
			}
			found++
			if !strings.HasPrefix(rel, "events/jet/") && spellSubjects[rel] == "" && !strings.HasSuffix(rel, "_test.go") && said[rel+" "+text] == "" {
				t.Errorf("%s spells %q: read and write it by a view of events/jet", rel, text)
			}
			return true
		})
	})
	if found < 50 {
		t.Errorf("only %d names seen: the test looks for the wrong thing", found)
	}
}

// said are names on the wire that are said to people, by file and text.
var said = map[string]string{
	"services/cli/subscriber.go RUN_EVENTS": "the default of --stream",
	"gateway/ui/subscribers.go RUN_EVENTS":  "a choice of the form",
	"gateway/ui/subscribers.go RESULTS":     "a choice of the form",
	"gateway/ui/subscribers.go JOBS":        "a choice of the form",
	"gateway/ui/subscribers.go DEADLETTERS": "a choice of the form",
}

func TestFilesAreConcepts(t *testing.T) {
	goFiles(t, func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > 400 && !generated(path) && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines; 400 is the most", path, n)
		}
	})
}

// goMod is what go mod edit -json prints, as far as it is needed.
type goMod struct {
	Require []struct{ Path, Version string }
}

// What a reader can hold in mind at once.
func TestFunctionsAreShort(t *testing.T) {
	const mostLines, mostParameters = 60, 5
	set, seen := token.NewFileSet(), 0
	goFiles(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") || generated(path) {
			return
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var of *ast.FuncType
			switch n := n.(type) {
			case *ast.FuncDecl:
				of = n.Type
			case *ast.FuncLit:
				of = n.Type
			default:
				return true
			}
			seen++
			if lines := set.Position(n.End()).Line - set.Position(n.Pos()).Line + 1; lines > mostLines {
				t.Errorf("%s: a function of %d lines, above %d", set.Position(n.Pos()), lines, mostLines)
			}
			if n := of.Params.NumFields(); n > mostParameters {
				t.Errorf("%s: %d parameters, above %d: a struct names them", set.Position(of.Pos()), n, mostParameters)
			}
			return true
		})
	})
	if seen < 1000 {
		t.Errorf("only %d functions were looked at", seen)
	}
}

func TestOneVersionOfEachDependency(t *testing.T) {
	versions := map[string]map[string][]string{}
	for _, m := range append(slices.Clone(modules), "deploy/demo/subscriber") {
		out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join(root, m, "go.mod")).Output()
		if err != nil {
			t.Fatal(err)
		}
		var mod goMod
		if err := json.Unmarshal(out, &mod); err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Require {
			if versions[r.Path] == nil {
				versions[r.Path] = map[string][]string{}
			}
			versions[r.Path][r.Version] = append(versions[r.Path][r.Version], m)
		}
	}
	for path, v := range versions {
		if len(v) > 1 {
			t.Errorf("%s is required in several versions: %v", path, v)
		}
	}
}

// TestDependenciesAreExplained: each direct dependency has a line in ARCHITECTURE.md.
func TestDependenciesAreExplained(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		mod, err := os.ReadFile(filepath.Join(root, m, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(mod)) {
			f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			if len(f) != 2 || !strings.HasPrefix(f[1], "v") || strings.HasPrefix(f[0], "spool.internal/") {
				continue
			}
			if !strings.Contains(string(text), f[0]+" "+f[1]) {
				t.Errorf("%s requires %s %s: ARCHITECTURE.md has no line for it", m, f[0], f[1])
			}
		}
	}
}

// TestDemoFlow: the flow that spool demo carries is the one in deploy/demo.
func TestDemoFlow(t *testing.T) {
	shown, err1 := os.ReadFile(filepath.Join(root, "deploy/demo/flow.ibflowbin"))
	carried, err2 := os.ReadFile("cmd/spool/demo/flow.ibflowbin")
	if err1 != nil || err2 != nil || string(shown) != string(carried) {
		t.Errorf("deploy/demo/flow.ibflowbin and services/cmd/spool/demo/flow.ibflowbin differ (%v, %v)", err1, err2)
	}
}
