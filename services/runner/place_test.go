//go:build linux || darwin

package runner

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/place"
)

// placing is a harness whose runs place what they write.
type placing struct {
	*harness
	url string
	n   int
}

func newPlacing(t *testing.T) *placing {
	h := newHarness(t, eventstest.Options{})
	h.write("in/scan0001.tif", "a scan", 0o644)
	h.keepJob(events.JobCreated, events.Enabled)
	r := h.runner(nil)
	h.background(r.Run)
	return &placing{harness: h, url: h.serve(r).URL}
}

// run runs a script as a flow, on x/scan0001.tif, and gives its end.
func (p *placing) run(script, pattern string, conflict events.OutputConflict, headers map[string]string) events.RunEvent {
	p.t.Helper()
	p.n++
	p.flow("flow", script)
	x := events.RunExtras{
		Cause:  events.Cause{Kind: events.KindFile, File: &events.FileRef{Path: "x/scan0001.tif", Name: "scan0001.tif"}},
		Output: &events.Placement{Pattern: pattern, Conflict: conflict, At: "2026-03-29T01:05:00+01:00"},
	}
	body := string(events.Encode(map[string]any{
		"binary_path": logical("flow"), "input_dir": logical("in"), "spool": x,
		"settings": json.RawMessage(`{"output_dir":"` + logical("out") + `","output_has_run_id":true}`),
	}))
	a := p.ask(p.url, fmt.Sprint("key-", p.n), body, headers)
	if a.Status != events.OK {
		p.t.Fatalf("not accepted: %+v", a)
	}
	ended := p.until(events.Ended, a.Data.JobID)
	p.drained()
	return ended
}

// files gives the contents below the output folder by path, without those of hidden
// folders, and how many of these there are.
func (p *placing) files() (all map[string]string, hidden int) {
	p.t.Helper()
	all = map[string]string{}
	out := p.host("out")
	err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			hidden++
			return fs.SkipDir
		case d.Type().IsRegular():
			text, err := os.ReadFile(path)
			rel, _ := filepath.Rel(out, path)
			all[rel] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return all, hidden
}

const byMonth = "{yyyy}/{mm}/{stem}{ext}"

// What a run wrote lies where the pattern says when the run has ended, and nowhere else.
func TestOutputsArePlaced(t *testing.T) {
	t.Parallel()
	p := newPlacing(t)
	want := map[string]string{}
	step := func(ended events.RunEvent, more map[string]string, paths ...string) {
		t.Helper()
		maps.Copy(want, more)
		got, hidden := p.files()
		if diff := cmp.Diff(want, got); diff != "" || hidden != 0 {
			t.Errorf("%d folders of runs are left; files (-want +got):\n%s", hidden, diff)
		}
		var said []string
		for _, o := range ended.Outputs {
			said = append(said, o.Path)
		}
		if ended.Status != events.OK || ended.OutputFolder != logical("out") || !cmp.Equal(said, paths) || *ended.OutputCount != len(paths) {
			t.Errorf("ended %s %q, says %v in %s, want %v", ended.Status, ended.Message, said, ended.OutputFolder, paths)
		}
		entries, err := os.ReadDir(filepath.Join(p.data, "runs", ended.FlowJobID))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), place.FileName) {
				t.Errorf("%s is left", e.Name())
			}
		}
	}
	step(p.run(`printf 1 > out.pdf`, byMonth, events.ConflictSuffix, nil), map[string]string{"2026/03/scan0001.pdf": "1"}, "2026/03/scan0001.pdf")
	step(p.run(`printf 2 > out.pdf`, byMonth, events.ConflictSuffix, nil), map[string]string{"2026/03/scan0001-2.pdf": "2"}, "2026/03/scan0001-2.pdf")
	step(p.run(`printf 3 > out.pdf`, byMonth, events.ConflictReplace, nil), map[string]string{"2026/03/scan0001.pdf": "3"}, "2026/03/scan0001.pdf")
	step(p.run(`printf 4 > out.pdf`, "{dir}/{name}", events.ConflictFail, nil), map[string]string{"x/scan0001.pdf": "4"}, "x/scan0001.pdf")
	step(p.run(`mkdir -p pages/thumbs; printf 5 > all.pdf; printf 6 > pages/1.png; printf 7 > pages/thumbs/1.png`, byMonth, events.ConflictFail, nil),
		map[string]string{"2026/03/all.pdf": "5", "2026/03/pages/1.png": "6", "2026/03/pages/thumbs/1.png": "7"},
		"2026/03/all.pdf", "2026/03/pages/1.png", "2026/03/pages/thumbs/1.png")
	step(p.run(`printf 8 > a.txt; printf 9 > b.txt`, "all{ext}", events.ConflictSuffix, nil),
		map[string]string{"all.txt": "8", "all-2.txt": "9"}, "all-2.txt", "all.txt")
	step(p.run(`:`, byMonth, events.ConflictSuffix, nil), nil)

	// An attempt that failed leaves nothing to the one that follows.
	retried := p.run(`if [ "$SPOOL_ATTEMPT" = 1 ]; then printf half > half.pdf; exit 75; fi; printf 10 > out.pdf`, "again/{name}", events.ConflictSuffix,
		map[string]string{events.HeaderRetries: string(events.Encode(events.Retries{Times: 1, Backoff: 10 * time.Millisecond}))})
	step(retried, map[string]string{"again/scan0001.pdf": "10"}, "again/scan0001.pdf")

	// The state of the run names the place, too.
	last, _, err := p.bus.LastRunEvent(t.Context(), "job-1", retried.FlowJobID)
	if err != nil || describe(events.Run{OutputFolder: "elsewhere"}, last).Results[0].OutputFolder != logical("out") {
		t.Errorf("%+v, %v", last, err)
	}
}

// Where that cannot be, the run ends with ERROR and says so, and what it wrote stays in its folder.
func TestOutputsThatCannotBePlaced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script, pattern string
		conflict              events.OutputConflict
		say                   string
		before                func(p *placing)
	}{
		{"taken", `printf 1 > out.pdf`, byMonth, events.ConflictFail, "2026/03/scan0001.pdf is there already, and spool.output_conflict is fail", func(p *placing) {
			p.write("out/2026/03/scan0001.pdf", "old", 0o644)
		}},
		{"taken by a folder", `printf 1 > out.pdf`, byMonth, events.ConflictReplace, "out.pdf cannot be 2026/03/scan0001.pdf: a folder has that name", func(p *placing) {
			p.write("out/2026/03/scan0001.pdf/x", "old", 0o644)
		}},
		{"a file on the way", `printf 1 > out.pdf`, byMonth, events.ConflictSuffix, "out.pdf cannot be 2026/03/scan0001.pdf", func(p *placing) {
			p.write("out/2026", "old", 0o644)
		}},
		{"a link on the way", `printf 1 > out.pdf`, byMonth, events.ConflictSuffix, "a link is in the way", func(p *placing) {
			p.write("elsewhere/03/x", "old", 0o644)
			p.write("out/x", "old", 0o644)
			if err := os.Symlink("../elsewhere", p.host("out/2026")); err != nil {
				p.t.Fatal(err)
			}
		}},
		{"two for one place", `printf 1 > a.txt; printf 2 > b.txt`, "all{ext}", events.ConflictReplace, "a.txt and b.txt would both be all.txt", nil},
		{"no name", `printf 1 > README`, "{yyyy}/{ext}", events.ConflictSuffix, "README has no place: the pattern leaves it without a name", nil},
		{"it failed", `printf 1 > out.pdf; exit 3`, byMonth, events.ConflictSuffix, "exit status 3", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlacing(t)
			if c.before != nil {
				c.before(p)
			}
			if err := os.MkdirAll(p.host("out"), 0o755); err != nil {
				t.Fatal(err)
			}
			before, _ := p.files()
			ended := p.run(c.script, c.pattern, c.conflict, nil)
			if ended.Status != events.ERROR || !strings.Contains(ended.Message, c.say) || ended.OutputFolder == logical("out") {
				t.Errorf("ended %s %q in %s, want %q", ended.Status, ended.Message, ended.OutputFolder, c.say)
			}
			after, hidden := p.files()
			if diff := cmp.Diff(before, after); diff != "" || hidden != 1 {
				t.Errorf("%d folders of runs; files (-before +after):\n%s", hidden, diff)
			}
			for _, o := range ended.Outputs {
				if !p.exists(strings.TrimPrefix(ended.OutputFolder, logical("")) + "/" + o.Path) {
					t.Errorf("%s is not in %s", o.Path, ended.OutputFolder)
				}
			}
			if len(ended.Outputs) == 0 {
				t.Error("no output is told of")
			}
			if entries, err := os.ReadDir(p.host("elsewhere/03")); err == nil && len(entries) != 1 {
				t.Errorf("something went through the link: %v", entries)
			}
		})
	}
}

// After a restart outputs go to the folder that the run has written to, and to no other
// that has its name by now.
func TestPlacementKnowsItsFolder(t *testing.T) {
	t.Parallel()
	p := newPlacing(t)
	r := p.runner(nil)
	const id = "5d0c3f2e-6f7a-5b3c-9a55-2f0b7a6f1c11"
	own := "out/" + events.RunFolder(time.Now(), id, true)
	run := events.Run{FlowJobID: id, OutputFolder: logical(own), Spool: &events.RunExtras{Output: &events.Placement{Pattern: "{name}", Conflict: events.ConflictSuffix}}}
	p.write(own+"/a", "1", 0o644)
	base, err := os.OpenRoot(p.host("out"))
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	kept := &place.Placement{}
	if kept.In, err = place.FolderID(base); err != nil {
		t.Fatal(err)
	}
	reopen := func() error {
		a := &attempt{run: run, log: r.log}
		defer a.clear()
		_, err := r.reopen(a, kept)
		return err
	}
	if err := reopen(); err != nil {
		t.Errorf("the same folder: %v", err)
	}
	if err := os.Rename(p.host("out"), p.host("moved")); err != nil {
		t.Fatal(err)
	}
	p.write(own+"/a", "2", 0o644)
	if err := reopen(); err == nil || !strings.Contains(err.Error(), "not the folder any more") {
		t.Errorf("another of that name: %v", err)
	}
}
