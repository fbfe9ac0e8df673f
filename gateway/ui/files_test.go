package ui

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v2"
)

// People give a file by its name, by its path below the folder, or by the whole path of it:
// the one that programs of Spool show, or the one on the host.
func TestPathOf(t *testing.T) {
	folder, err := events.ParsePath("path", "ann/repo/fs/Home/in")
	if err != nil {
		t.Fatal(err)
	}
	w := watchedFolder{plan: &events.Plan{Parameters: &events.Parameters{InputDir: folder}}}
	for typed, want := range map[string]string{
		"a.txt":                         "a.txt",
		"./a.txt":                       "a.txt",
		"sub/a.txt":                     "sub/a.txt",
		"ann/repo/fs/Home/in/sub/a.txt": "sub/a.txt",
		"/srv/in/a.txt":                 "a.txt",
		"/srv/inner/a.txt":              "/srv/inner/a.txt",
		"/etc/passwd":                   "/etc/passwd",
	} {
		if got := w.pathOf(typed, "/srv/in"); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
	if got := w.pathOf("/a.txt", ""); got != "/a.txt" { // the host folder is not known
		t.Errorf("/a.txt is %q", got)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 71_000: "71 kB", 2_100_000_000: "2.1 GB", 5_000_000_000_000: "5000 GB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := size((*int64)(nil)); got != "" {
		t.Errorf("an unknown size is %q", got)
	}
}

// Files are marked that were shown: one that came, went or changed since is seen.
func TestDigest(t *testing.T) {
	file := v2.ToBeMarked{Path: "a", Size: 1, Modified: time.Unix(1, 0), State: "new"}
	shown := digest(v2.Marking{Files: []v2.ToBeMarked{file}})
	for what, change := range map[string]func(*v2.ToBeMarked){
		"its name":  func(f *v2.ToBeMarked) { f.Path = "b" },
		"its bytes": func(f *v2.ToBeMarked) { f.PathB64 = "x" },
		"its size":  func(f *v2.ToBeMarked) { f.Size++ },
		"its time":  func(f *v2.ToBeMarked) { f.Modified = f.Modified.Add(1) },
		"its state": func(f *v2.ToBeMarked) { f.State = "held" },
	} {
		other := file
		change(&other)
		if digest(v2.Marking{Files: []v2.ToBeMarked{other}}) == shown {
			t.Errorf("%s does not matter", what)
		}
	}
	if digest(v2.Marking{Files: []v2.ToBeMarked{file, file}}) == shown {
		t.Error("another file does not matter")
	}
}

// The states of files that wait are offered where one looks at those.
func TestStateLinks(t *testing.T) {
	texts := func(chosen string) string {
		var all []string
		for _, l := range stateLinks("/f", chosen, "a&b") {
			if l.Current {
				l.Text = "[" + l.Text + "]"
			}
			if !strings.Contains(l.Href, "prefix=a%26b") {
				t.Errorf("%s leads to %s", l.Text, l.Href)
			}
			all = append(all, l.Text)
		}
		return strings.Join(all, " ")
	}
	if got, want := texts(""), "[All] Waiting Done"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := texts("open"); !strings.Contains(got, "Waiting New [Open for writing]") {
		t.Errorf("of one state: %s", got)
	}
}
