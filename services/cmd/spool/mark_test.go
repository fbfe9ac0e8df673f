package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// ended counts the runs of a job that have ended.
func (p *harness) ended(bus *jet.Bus, job string) int {
	p.Helper()
	return len(read(p, bus.Runs(events.Ended, job)))
}

// turn enables or disables a job.
func (p *harness) turn(job, how string) {
	p.Helper()
	if code, answer := p.send(http.MethodPost, "jobs/"+job+"/"+how, nil); code != http.StatusOK {
		p.Fatalf("%s: %d %v", how, code, answer)
	}
}

// A folder that is renamed, restored or moved to another disk is full of new files.
// Whoever says that they have run, before the job goes on, runs none of them again, and
// all that has come meanwhile.
func TestMarkCommand(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	bus := p.bus()
	job := p.job("scans", "", "flow.ibflowbin", "in", map[string]any{"watch": map[string]any{"recursive": true}})
	in := func(names ...string) string { return filepath.Join(append([]string{p.dir, "in"}, names...)...) }
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(in(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(args ...string) (string, int) {
		return spool(t, append(append([]string{"files", "mark"}, args...), "--url", "http://"+p.api, "--data", p.data)...)
	}
	for n := range 6 {
		write(fmt.Sprintf("2025/f%d", n), "x")
	}
	p.eventually("all have run", func() bool { return p.ended(bus, job) == 6 })
	p.turn(job, "disable")
	pr.stop(syscall.SIGTERM)
	if err := os.Rename(in("2025"), in("2026")); err != nil { // one is renamed, the others are restored
		t.Fatal(err)
	}
	for n := range 5 {
		if err := os.Remove(in("2026", fmt.Sprintf("f%d", n))); err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("2026/f%d", n), "x")
	}
	p.serve()
	p.eventually("those of the disabled job wait, and it says so", func() bool {
		var shown struct{ Waiting struct{ Files int } }
		p.get("/api/v2/jobs/"+job, &shown)
		return shown.Waiting.Files == 6
	})
	if out, code := mark("scans", "2026/**", "--dry-run"); code != 0 || !strings.Contains(out, "6 files in the folder") || strings.Count(out, "\n") != 7 {
		t.Errorf("dry run: %d %s", code, out)
	}
	for args, want := range map[string]int{"scans 2026/**": 2, "nobody *": 3, "scans [": 4, "scans * -o xml": 2} {
		if out, code := mark(strings.Fields(args)...); code != want {
			t.Errorf("%s: %d %s, want %d", args, code, out, want)
		}
	}
	if out, code := mark("scans", "2026/**", "--yes", "-o", "json"); code != 0 || !strings.Contains(out, `"marked": 6`) {
		t.Errorf("mark: %d %s", code, out)
	}
	write("2026/f1", "written since")
	write("2026/g", "new")
	p.turn(job, "enable")
	p.eventually("what came since has run", func() bool { return p.ended(bus, job) == 8 })
	var found struct {
		Files []struct {
			Ignored  bool
			MarkedBy string `json:"marked_by"`
		}
	}
	p.get("/api/v2/jobs/"+job+"/files?path=2026/f5", &found)
	if len(found.Files) != 1 || !found.Files[0].Ignored || found.Files[0].MarkedBy != "admin" {
		t.Errorf("a marked file: %+v", found)
	}
	write("last", "one")
	p.eventually("the last has run", func() bool { return p.ended(bus, job) >= 9 })
	if n := p.ended(bus, job); n != 9 {
		t.Errorf("%d runs", n)
	}
}

// Of a job that is disabled nothing more starts, whatever restarts; what waits is
// counted and says why, other jobs go on, and so does it all, once, after enabling.
func TestDisabledJobStops(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.flow("slow", "#!/bin/sh\nsleep 0.3\n")
	pr := p.serve("--flows", "2")
	bus := p.bus()
	many := p.job("many", "", "slow", "in", nil)
	other := p.job("other", "@yearly", "flow.ibflowbin", "tick/in", nil)
	const files = 30
	for n := range files {
		if err := os.WriteFile(filepath.Join(p.dir, "in", fmt.Sprint(n)), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.eventually("some have run", func() bool { return p.ended(bus, many) >= 3 })
	p.turn(many, "disable")
	type waiting struct {
		Waiting *struct {
			Files, Runs int
			Reason      string
		}
	}
	rest := func() (n int) { // what waits and what has ended are all when nothing runs any more
		var w waiting
		p.get("/api/v2/jobs/"+many, &w)
		if w.Waiting != nil {
			n = w.Waiting.Files + w.Waiting.Runs
		}
		return n
	}
	p.eventually("all the others wait", func() bool { return p.ended(bus, many)+rest() == files && rest() > 0 })
	stopped := p.ended(bus, many)
	pr.kill()
	p.serve("--flows", "2")
	if code, answer := p.send(http.MethodPost, "jobs/"+other+"/trigger", nil); code != http.StatusAccepted {
		t.Fatal(code, answer)
	}
	p.eventually("another job runs", func() bool { return p.ended(bus, other) == 1 })
	if code, answer := p.send(http.MethodPost, "jobs/"+many+"/trigger", nil); code != http.StatusAccepted {
		t.Fatal(code, answer)
	}
	p.eventually("what somebody asks for runs", func() bool { return p.ended(bus, many) == stopped+1 })
	if n := rest(); n != files-stopped {
		t.Errorf("%d wait, want %d", n, files-stopped)
	}
	_, results := p.send(http.MethodGet, "jobs/"+many+"/results?limit=100", nil)
	if !strings.Contains(fmt.Sprint(results), events.WhyPaused) {
		t.Error("no run says what it waits for")
	}
	p.turn(many, "enable")
	p.eventually("all have run", func() bool { return p.ended(bus, many) == files+1 && rest() == 0 })
}
