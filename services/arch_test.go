package services_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
			// Inside services, a service does not import its sibling either.
			if parts[0] == "services" && to[0] == "services" && parts[1] != "cmd" && to[1] != parts[1] && to[1] != "daemon" {
				t.Errorf("%s imports %s: services meet on subjects", rel, target)
			}
			// Of the gateway, they may import what all HTTP APIs are spelled with.
			if parts[0] == "services" && to[0] == "gateway" && parts[1] != "cmd" && target != "gateway/wire" {
				t.Errorf("%s imports %s: services meet on subjects, and share gateway/wire alone", rel, target)
			}
			if strings.HasPrefix(rel, "gateway/wire/") && to[0] == "gateway" {
				t.Errorf("%s imports %s: gateway/wire stands alone, so that every service may import it", rel, target)
			}
		}
	})
	if seen < 50 {
		t.Errorf("only %d imports of ours seen: the test looks in the wrong place", seen)
	}
}

func TestOnePackageComment(t *testing.T) {
	comments := map[string]int{}
	goFiles(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
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
		"events/drive/between_other.go":          "moves people's files",
		"events/drive/transfer.go":               "people's files",
		"events/eventstest/reflink.go":           "for tests",
		"events/eventstest/smalldisk_linux.go":   "for tests",
		"services/broker/ballast.go":             "takes room and holds nothing",
		"gateway/v2/files/put.go":                "people's files, as long as they like",
		"services/broker/store/settings.go":      "renames what is damaged",
		"services/broker/broker.go":              "the lock, which holds nothing",
		"services/broker/trial.go":               "holds nothing, for a moment",
		"services/cmd/spool/subscriber.go":       "holds a name for a file that atomicfile then writes",
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

// families are the subjects that exist; the source is events/jet/subject.go itself.
func families(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "events/jet/subject.go"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile(`"(spool\.[a-z]+)"`).FindAllStringSubmatch(string(text), -1) {
		list = append(list, m[1])
	}
	if len(list) < 15 {
		t.Fatalf("only %d subject families found in events/jet/subject.go", len(list))
	}
	return list
}

// uses says by which names of package events and methods of jet.Bus a family is used.
var uses = map[string]string{
	"spool.job":       `JobFeed|PutJob|AllJobs|bus\.Job\(|bus\.LastJob\(`,
	"spool.trigger":   `PutTrigger|CommitPass|TriggersOf|TriggerSubject|AllTriggers`,
	"spool.verdict":   `CommitPass|AllVerdicts|VerdictSubject`,
	"spool.clock":     `CommitPass|ClockSubject|Bus\.Clock\(`,
	"spool.backlog":   `Backlog`,
	"spool.called":    `ClaimCall|CallsOf`,
	"spool.paused":    `PauseTrigger|PausedOf|AllPaused\b`,
	"spool.pausedrun": `PauseRun|PausedRunsOf|AllPausedRuns`,
	"spool.done":      `NewEnds`,
	"spool.file":      `CommitFiles|FilesOf|AllFiles|FileSubject|FilesOnPath`,
	"spool.seen":      `CommitFiles|SeenFiles|EachSeen|IgnoreFiles|SeenOf|AllSeen|SeenOnPath|FilesOnPath|MarkFiles|MarkedBy`,
	"spool.again":     `\.Reprocess\(|Agains|AgainOf|AgainPath|Generations\(`,
	"spool.held":      `HoldFiles|HeldFiles|HeldOnPath|HeldOf|AllHeld|FilesOnPath`,
	"spool.runqueue":  `AcceptRun|RunQueueSubject|RunQueueOf|AllRunQueue`,
	"spool.runkey":    `KeepRun|AcceptedRun|AllRunKeys`,
	"spool.result":    `PutResult|HasResult|ResultSubject|StreamResults`,
	"spool.run":       `PutRunEvent|NextRunEvent|RunEvent\(|RunsOf|RunSubject|StreamRunEvents`,
	"spool.dead":      `PutDead|DeadSubject|StreamDeadLetters`,
	"spool.slot":      `CopyVerdict|SlotSubject|StreamSlots`,
	"spool.state":     `StateSubject`,

	"spool.notification": `NotificationSubject|PutCondition|AllConditions|AllNotifications`,
}

// TestSubjectLines compares the In: and Out: lines of each service with the subjects that its code uses.
func TestSubjectLines(t *testing.T) {
	known := families(t)
	for _, dir := range []string{"gateway", "cron", "watcher", "services/dispatcher", "services/runner", "services/notify"} {
		doc, err := os.ReadFile(filepath.Join(root, dir, "doc.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(doc), "// In:  ") {
			t.Errorf("%s/doc.go does not begin with In: and Out:", dir)
		}
		lines := regexp.MustCompile(`(?m)^// (In|Out): (.*(?:\n//      .*)*)`).FindAllStringSubmatch(string(doc), -1)
		if len(lines) != 2 {
			t.Errorf("%s/doc.go has %d lines In: and Out:, want both", dir, len(lines))
		}
		said := map[string]bool{}
		for _, l := range lines {
			for _, s := range regexp.MustCompile(`spool\.[a-z]+`).FindAllString(l[2], -1) {
				said[s] = true
				if !slices.Contains(known, s) {
					t.Errorf("%s/doc.go names %s, which events/jet/subject.go does not know", dir, s)
				}
			}
		}
		var code strings.Builder
		err = filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && filepath.Base(path) != "doc.go" {
				text, err := os.ReadFile(path)
				code.Write(text)
				return err
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range known {
			used := uses[family] != "" && regexp.MustCompile(uses[family]).MatchString(code.String())
			if used != said[family] {
				t.Errorf("%s: code uses %s: %v; doc.go says so: %v", dir, family, used, said[family])
			}
		}
	}
}

// TestSubjectsAreSpelledOnce: names on the wire are built in events/jet/subject.go and nowhere else.
func TestSubjectsAreSpelledOnce(t *testing.T) {
	literal := regexp.MustCompile(`"spool\.(job|trigger|verdict|clock|backlog|called|file|seen|held|runqueue|runkey|dead|slot|state|notification)\.?[^"]*"`)
	goFiles(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.ToSlash(path), "events/jet/subject.go") {
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range literal.FindAllString(string(text), -1) {
			if !strings.Contains(filepath.ToSlash(path), "events/jet/") { // ce-type spells event names
				t.Errorf("%s spells %s", path, s)
			}
		}
	})
}

func TestFilesAreConcepts(t *testing.T) {
	goFiles(t, func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > 400 && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines; 400 is the most", path, n)
		}
	})
}

// goMod is what go mod edit -json prints, as far as it is needed.
type goMod struct {
	Require []struct{ Path, Version string }
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
