package importer_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"spool.internal/events"
	"spool.internal/services/importer"
	"spool.internal/services/importer/crontab"
	"spool.internal/services/importer/instabase"
	"spool.internal/services/importer/kubernetes"
	"spool.internal/services/importer/manifest"
	"spool.internal/services/importer/systemd"
)

var update = flag.Bool("update", false, "write what the sources give into testdata")

// golden is a source and what it gives: the archive's comment says kind, user and zone.
type golden struct {
	kind, user string
	options    importer.Options
	sources    []importer.Source
}

func readGolden(t *testing.T, a *txtar.Archive) golden {
	t.Helper()
	g := golden{options: importer.Options{Now: time.Date(2026, time.November, 29, 12, 0, 0, 0, time.UTC)}}
	for part := range strings.SplitSeq(strings.TrimSpace(string(a.Comment)), ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), ": ")
		switch key {
		case "kind":
			g.kind = value
		case "user":
			g.user = value
		case "zone":
			g.options.Zone = value
		default:
			t.Fatalf("%q is no setting of a source", part)
		}
	}
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			data := f.Data
			if strings.Contains(string(a.Comment), "kind: crontab; user: win") {
				data = bytes.TrimSuffix(data, []byte("\n"))
			}
			g.sources = append(g.sources, importer.Source{Name: f.Name, Text: data})
		}
	}
	return g
}

func (g golden) read() *importer.Import {
	got := &importer.Import{}
	switch g.kind {
	case "crontab":
		for _, s := range g.sources {
			kind, user := crontab.Of(s.Name)
			if g.user != "" {
				user = g.user
			}
			got.Add(crontab.Parse(s, crontab.Table{Options: g.options, Kind: kind, User: user}))
		}
	case "systemd":
		got = systemd.Parse(g.sources, g.options)
	case "k8s":
		got.Add(kubernetes.Parse(g.sources[0], g.options))
	case "instabase":
		got.Add(instabase.Parse(g.sources[0], g.options))
	}
	return got
}

// shown spells what a source gives: the account, the manifest, and the profiles.
func shown(t *testing.T, got *importer.Import) map[string]string {
	t.Helper()
	var b strings.Builder
	for _, l := range got.Lines {
		fmt.Fprintf(&b, "%s:%d %s %s\n", path.Base(l.File), l.Line, l.Verdict, strings.Join(l.Keys, " "))
		for _, r := range l.Reasons {
			fmt.Fprintf(&b, "\t%s\n", r)
		}
	}
	for _, n := range got.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	var jobs []events.Object
	for _, j := range got.Jobs {
		jobs = append(jobs, j.Member())
	}
	text, err := manifest.Write("", "test", jobs)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"want/account": b.String(), "want/jobs.yaml": string(text), "want/profiles": got.ProfileText()}
}

// TestSources holds each source of testdata against what it gives.
func TestSources(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d sources, want 30 or more (%v)", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			a := txtar.Parse(text)
			g := readGolden(t, a)
			got := g.read()
			everyLine(t, g, got)
			readable(t, g, got)
			all := shown(t, got)
			if *update {
				write(t, name, a, all)
				return
			}
			for _, f := range a.Files {
				if want, ok := all[f.Name]; ok {
					if d := cmp.Diff(string(f.Data), want); d != "" {
						t.Errorf("%s (-want +got):\n%s", f.Name, d)
					}
					delete(all, f.Name)
				}
			}
			for name := range all {
				t.Errorf("%s is missing: run the test with -update, and read what it writes", name)
			}
		})
	}
}

func write(t *testing.T, name string, a *txtar.Archive, all map[string]string) {
	t.Helper()
	kept := a.Files[:0]
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			kept = append(kept, f)
		}
	}
	a.Files = kept
	for _, f := range []string{"want/account", "want/jobs.yaml", "want/profiles"} {
		a.Files = append(a.Files, txtar.File{Name: f, Data: []byte(all[f])})
	}
	if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// everyLine: each line of each source has its place in the account.
func everyLine(t *testing.T, g golden, got *importer.Import) {
	t.Helper()
	said := map[string]importer.Line{}
	for _, l := range got.Lines {
		said[fmt.Sprint(l.File, ":", l.Line)] = l
	}
	for _, s := range g.sources {
		for n, text := range strings.Split(strings.TrimSuffix(string(s.Text), "\n"), "\n") {
			l, ok := said[fmt.Sprint(s.Name, ":", n+1)]
			if !ok || l.Text != strings.TrimRight(text, " \t\r") {
				t.Errorf("%s:%d is not accounted for: %q", s.Name, n+1, text)
			}
			if l.Verdict == importer.Refused && len(l.Reasons) == 0 && g.kind != "k8s" && g.kind != "instabase" {
				t.Errorf("%s:%d is refused without a reason", s.Name, n+1)
			}
		}
	}
}

// readable: the manifest is read again as it was written, and the profiles are profiles.
func readable(t *testing.T, g golden, got *importer.Import) {
	t.Helper()
	var jobs []events.Object
	for _, j := range got.Jobs {
		jobs = append(jobs, j.Member())
	}
	text, err := manifest.Write("by a test", "test", jobs)
	if err != nil {
		t.Fatal(err)
	}
	file, err := manifest.Parse("jobs.yaml", text, func(string) ([]byte, error) { return []byte("secret"), nil })
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(file.Jobs) != len(jobs) {
		t.Fatalf("%d jobs are written, %d read", len(jobs), len(file.Jobs))
	}
	if _, err := events.ParseProfiles(got.ProfileText()); err != nil {
		t.Errorf("the profiles: %v\n%s", err, got.ProfileText())
	}
	for i, j := range file.Jobs {
		if d := cmp.Diff(string(events.Encode(body(jobs[i]))), string(events.Encode(j.Body))); d != "" && g.kind != "instabase" {
			t.Errorf("%s is read otherwise than it was written (-written +read):\n%s", j.Key, d)
		}
		if j.Key != got.Jobs[i].Key || !j.Disabled {
			t.Errorf("job %s is read as %s, disabled at first: %v", got.Jobs[i].Key, j.Key, j.Disabled)
		}
	}
}

// body is what is sent of a job of a manifest.
func body(o events.Object) (sent events.Object) {
	for _, m := range o {
		if m.Key != "key" && m.Key != "initially" {
			sent = append(sent, m)
		}
	}
	return sent
}
