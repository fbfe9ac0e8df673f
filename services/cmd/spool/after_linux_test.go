package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/faultpoint"
)

// sorting is a job that moves what ran to done or failed, and what it does with
// each file: one that says bad fails.
func (p *harness) sorting(in, done string, after map[string]any) string {
	p.Helper()
	p.flow("flow.ibflowbin", "#!/bin/sh\nif grep -q bad \"$1\"/*; then echo it is bad >&2; exit 3; fi\ncat \"$1\"/* >\"$2\"/seen\n")
	for _, dir := range []string{in, done, "failed"} {
		if err := os.MkdirAll(filepath.Join(p.dir, dir), 0o755); err != nil {
			p.Fatal(err)
		}
	}
	if after == nil {
		after = map[string]any{"ok": "move:" + testDrive + "/" + done, "failed": "move:failed"}
	}
	return p.job("sorting", "", "flow.ibflowbin", in, map[string]any{"after": after})
}

// lies gives the names in a folder of the drive, with their first lines.
func (p *harness) lies(dir string) map[string]string {
	p.Helper()
	entries, err := os.ReadDir(filepath.Join(p.dir, dir))
	if err != nil {
		p.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		text, _ := os.ReadFile(filepath.Join(p.dir, dir, e.Name()))
		all[e.Name()], _, _ = strings.Cut(string(text), "\n")
	}
	return all
}

func (p *harness) drop(name, text string) {
	p.Helper()
	tmp := filepath.Join(p.dir, "tmp-"+filepath.Base(name))
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(p.dir, name)); err != nil {
		p.Fatal(err)
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve("--durability", "interval")
	bus := p.bus()
	job := p.sorting("in", "done", nil)
	p.watchLive(bus, job)
	p.drop("in/a.pdf", "good 1")
	p.eventually("a.pdf is moved", func() bool { return p.lies("done")["a.pdf"] == "good 1" })
	p.drop("in/a.pdf", "good 2")
	p.eventually("the next a.pdf is moved beside it", func() bool { return p.lies("done")["a-2.pdf"] == "good 2" })
	p.drop("in/b.pdf", "bad")
	p.eventually("b.pdf is moved", func() bool { return p.lies("failed")["b.pdf"] == "bad" })
	why, err := os.ReadFile(filepath.Join(p.dir, "failed", "b.pdf.why.txt"))
	ended := read(p, bus.Runs(events.Ended, job))
	if err != nil || !strings.Contains(string(why), "exit status 3") || !strings.Contains(string(why), "it is bad") || !strings.Contains(string(why), ended[2].FlowJobID) {
		t.Errorf("why: %s (%v)", why, err)
	}
	if left := p.lies("in"); len(left) != 0 || len(ended) != 3 {
		t.Errorf("left behind: %v; %d runs", left, len(ended))
	}

	if code, text := p.ask("PATCH", "jobs/"+job, "", map[string]any{"spool": map[string]any{"after": map[string]any{"ok": "delete"}}}); code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	p.drop("in/c.pdf", "good")
	p.eventually("c.pdf is deleted", func() bool {
		return len(read(p, bus.Runs(events.Ended, job))) == 4 && len(p.lies("in")) == 0
	})

	for _, c := range []struct {
		after map[string]any
		say   string
	}{
		{map[string]any{"ok": "move:" + testDrive + "/in/done"}, "lies in the watched folder"},
		{map[string]any{"failed": "delete"}, "is not one of keep, move:<folder>"},
		{map[string]any{"ok": "move:"}, "names no folder"},
		{map[string]any{"ok": "move:" + testDrive + "/.spool/x"}, "keeps on the drive for itself"},
	} {
		code, text := p.ask("PATCH", "jobs/"+job, "", map[string]any{"spool": map[string]any{"after": c.after}})
		if code != 400 && code != 422 || !strings.Contains(text, c.say) {
			t.Errorf("%v: %d %s, want %q", c.after, code, text, c.say)
		}
	}
	token := p.operator("somebody")
	if code, text := p.ask("POST", "jobs", token, map[string]any{"name": "x", "flow_parameters": map[string]any{
		"auth_token": "a", "binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/other", "settings": map[string]any{"spooled_mode": true},
	}, "spool": map[string]any{"after": map[string]any{"ok": "move:else/where/fs/D/done"}}}); code != 403 || !strings.Contains(text, "spool.after.ok") {
		t.Errorf("a folder that the token does not reach: %d %s", code, text)
	}
}

// A kill at each step: the file is where it was, or where it is to be, once, and
// newer content stays where it is, and runs.
func TestLongAfterKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	for _, across := range []bool{false, true} {
		steps := []string{faultpoint.AfterHeld, faultpoint.AfterAside, faultpoint.AfterExplained, faultpoint.AfterMoved}
		if across {
			steps = append(steps, faultpoint.AfterCopied, faultpoint.AfterNamed)
		}
		for _, step := range steps {
			for _, c := range []struct {
				text  string
				newer bool
			}{{"good", false}, {"bad", false}, {"bad", true}} {
				t.Run(fmt.Sprintf("%s, %s, across %v, newer %v", step, c.text, across, c.newer), func(t *testing.T) {
					t.Parallel() // most of it is waiting for the delivery that nobody has settled
					afterKilled(t, step, c.text, across, c.newer)
				})
			}
		}
	}
}

func afterKilled(t *testing.T, step, text string, across, newer bool) {
	p := newHarness(t)
	args := []string{
		"serve", "--data", p.data, "--listen", p.api, "--nats-listen", p.nats, "--drive", testDrive + "=" + p.dir, "--durability", "interval",
	}
	to, dir := "done", filepath.Join(p.dir, "done")
	after := map[string]any{"ok": "move:done", "failed": "move:done"}
	if across {
		dir = filepath.Join(eventstest.Reflinks(t), "done")
		args = append(args, "--drive", "admin/repo/fs/E="+filepath.Dir(dir))
		to = "admin/repo/fs/E/done"
		after = map[string]any{"ok": "move:" + to, "failed": "move:" + to}
	}
	pr := p.startToFail(step+"=kill", args...)
	p.eventually("ready", func() bool { return strings.Contains(pr.log.String(), "msg=ready") })
	job := p.sorting("in", "done", after)
	p.watchLive(p.bus(), job)
	p.drop("in/a.pdf", text+" 1")
	pr.struck()
	if newer {
		p.drop("in/a.pdf", "good 2")
	}
	next := p.start(args...)
	want := 1
	if newer {
		want = 2
	}
	moved := func() (n int) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), events.WhyEnding) && !strings.HasPrefix(e.Name(), ".") {
				n++
			}
		}
		return n
	}
	first := text + " 1"
	if newer && step == faultpoint.AfterHeld { // it was overwritten before it had moved
		want = 1
		first = ""
	}
	p.eventually("what ran is moved", func() bool {
		left, _ := os.ReadDir(filepath.Join(p.dir, "in"))
		return moved() >= want && len(left) == 0
	})
	contents := map[string]int{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	whys := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), events.WhyEnding) {
			whys++
			continue
		}
		content, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		contents[string(content)]++
	}
	if first != "" && contents[first] != 1 || newer && contents["good 2"] != 1 || len(contents) != want || len(entries)-whys != want {
		t.Errorf("moved: %v of %v", contents, entries)
	}
	if text == "bad" && first != "" && whys != 1 || text == "good" && whys != 0 {
		t.Errorf("%d reasons in %v", whys, entries)
	}
	next.kill()
}
