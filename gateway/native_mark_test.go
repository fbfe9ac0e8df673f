package gateway_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"spool.internal/events"
)

// markList is a dry run.
type markList struct {
	List  string
	Count int
	Files []struct{ Path, State string }
	Next  string `json:"next_page_token"`
	Hint  string
}

func (a *archive) put(names ...string) {
	a.t.Helper()
	for _, name := range names {
		path := filepath.Join(a.dir, "in", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			a.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *archive) disable() {
	a.t.Helper()
	into[nativeJob](a.t, a.native(http.MethodPost, "jobs/"+a.job.ID+"/disable", a.admin, ""), http.StatusOK)
}

func (a *archive) ask(body string) markList {
	a.t.Helper()
	return into[markList](a.t, a.native(http.MethodPost, "jobs/"+a.job.ID+"/files/mark", a.admin, body), http.StatusOK)
}

// mark marks a list, and gives how many are marked and left.
func (a *archive) mark(list string) string {
	a.t.Helper()
	m := into[struct{ Marked, Left int }](a.t, a.native(http.MethodPost, "jobs/"+a.job.ID+"/files/mark", a.admin, `{"list":"`+list+`"}`), http.StatusOK)
	return fmt.Sprintf("%d marked, %d left", m.Marked, m.Left)
}

func (m markList) text() string {
	var all []string
	for _, f := range m.Files {
		all = append(all, f.Path+" "+f.State)
	}
	return strings.Join(all, ", ")
}

func recursiveArchive(t *testing.T) *archive {
	s, dir := newDriveHarness(t)
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	body := strings.ReplaceAll(automatic("auto"), "a/r/fs/D", testDrive)
	j, _ := s.made(s.admin, strings.Replace(body, `{`, `{"spool":{"watch":{"recursive":true,"marker":".done","ignore":["skip"]}},`, 1))
	return &archive{s, j, dir}
}

// What a dry run has shown is marked, and nothing else: what came or changed since
// still runs. Hidden files and markers are none. Who did it is known.
func TestMarkFiles(t *testing.T) {
	a := recursiveArchive(t)
	a.disable()
	a.put("a", "2025/b", "2025/c.tmp", "2025/.d", "2025/e", "2025/e.done", "skip/f", "2026/g")
	odd := "2025/\xff"
	a.put(odd)
	list := a.ask(`{"pattern":"2025/**"}`)
	if got := list.text(); got != "2025/b new, 2025/e new, 2025/\ufffd new" || list.Count != 3 || list.Hint != "" {
		t.Errorf("shows %q %+v", got, list)
	}
	a.put("2025/h", "2025/b", "2025/b2") // came and was written since
	if err := os.WriteFile(filepath.Join(a.dir, "in", "2025/b"), []byte("another content"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := a.mark(list.List); got != "3 marked, 0 left" {
		t.Error(got)
	}
	if got := a.mark(list.List); got != "0 marked, 3 left" {
		t.Error("again:", got)
	}
	if got := a.ask(`{"pattern":"*"}`).text(); got != "2025/b new, 2025/b2 new, 2025/h new, 2026/g new, a new" {
		t.Errorf("then shows %q", got)
	}
	for _, path := range []string{"2025/e", odd} {
		if files := a.find(path).Files; len(files) != 1 || !files[0].Ignored || files[0].MarkedBy == "" {
			t.Errorf("%s: %+v", path, files)
		}
	}
}

// Queued files of a disabled job leave the queue when they are marked, those of an
// enabled one are not touched; held ones are let go of.
func TestMarkQueued(t *testing.T) {
	a := recursiveArchive(t)
	a.put("a", "b", "c")
	trigger := func(name string) events.Trigger {
		file := a.ask(`{"pattern":"` + name + `"}`)
		list, found, err := a.bus.MarkList(t.Context(), file.List)
		if err != nil || !found || len(list.Files) != 1 {
			t.Fatal(err, found, list)
		}
		return a.see(name, list.Files[0].Fingerprint)
	}
	first := a.ask(`{"pattern":"*"}`)
	if first.Hint == "" || first.Count != 3 {
		t.Errorf("of an enabled job: %+v", first)
	}
	a.called(trigger("a"), events.OK)
	b := trigger("b")
	if got := a.mark(first.List); got != "1 marked, 2 left" {
		t.Error("of an enabled job:", got)
	}
	a.disable()
	a.put("d")
	list := a.ask(`{"pattern":"*"}`)
	if got := list.text(); got != "b queued, d new" {
		t.Errorf("shows %q", got)
	}
	if got := a.mark(list.List); got != "2 marked, 0 left" {
		t.Error(got)
	}
	if queued, err := a.bus.File(a.job.ID, b.File.Fingerprint).Known(t.Context()); err != nil || queued[0] {
		t.Errorf("b is queued: %v %v", queued, err)
	}
	if err := a.bus.HoldFiles(t.Context(), []events.Held{{JobID: a.job.ID, Path: "x", Fingerprint: "h1"}}); err != nil {
		t.Fatal(err)
	}
	marked, err := a.bus.MarkFiles(t.Context(), "ann", []events.SeenFile{{JobID: a.job.ID, Path: "x", Fingerprint: "h1"}}, "ann", true)
	left, herr := a.bus.HeldOnPath(t.Context(), a.job.ID, "x")
	if err != nil || herr != nil || !marked[0] || len(left) > 0 {
		t.Errorf("held: %v %v, left %v %v", marked, err, left, herr)
	}
}

// Many files are shown and marked in several lists, each file in one.
func TestMarkPages(t *testing.T) {
	a := recursiveArchive(t)
	a.disable()
	var want []string
	for _, dir := range []string{"", "a/", "a.b/", "a/c/", "z/"} {
		for n := range 7 {
			want = append(want, fmt.Sprintf("%sf%d", dir, n))
		}
	}
	a.put(want...)
	var got, lists []string
	for page := ""; ; {
		list := a.ask(`{"pattern":"*","limit":4,"page_token":"` + page + `"}`)
		for _, f := range list.Files {
			got = append(got, f.Path)
		}
		lists = append(lists, list.List)
		if page = list.Next; page == "" {
			break
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(lists) != 9 {
		t.Errorf("%d lists, %v", len(lists), got)
	}
	for _, l := range lists {
		a.mark(l)
	}
	if left := a.ask(`{"pattern":"*"}`); left.Count != 0 {
		t.Errorf("left %s", left.text())
	}
}

func TestMarkRefuses(t *testing.T) {
	a := newArchive(t)
	cron, _ := a.made(a.admin, body{schedule: `"@daily"`}.String())
	for body, want := range map[string]string{
		`{}`:                               "pattern",
		`{"pattern":"a/b"}`:                "never match",
		`{"pattern":"[a"}`:                 "is not a pattern",
		`{"pattern":"*","limit":9999}`:     "limit",
		`{"pattern":"*","page_token":"-"}`: "page_token",
		`{"pattern":"*","list":"x"}`:       "leave the other keys out",
		`{"list":"x"}`:                     "make the dry run again",
	} {
		status := http.StatusBadRequest
		if strings.HasPrefix(body, `{"list"`) {
			status = http.StatusNotFound
		}
		if answer := a.native(http.MethodPost, "jobs/"+a.job.ID+"/files/mark", a.admin, body); answer.code != status || !strings.Contains(string(answer.body), want) {
			t.Errorf("%s: %d %s", body, answer.code, answer.body)
		}
	}
	if answer := a.native(http.MethodPost, "jobs/"+cron.ID+"/files/mark", a.admin, `{"pattern":"*"}`); answer.code != http.StatusConflict {
		t.Errorf("of a job of the clock: %d %s", answer.code, answer.body)
	}
}
